import type { PresenceChanges, PresenceState, PresentMember } from '../../protocol/presence.ts'

/** A member of a room. */
export interface PresenceMember<S> extends PresentMember {
  /** What it says of itself; `null` when it says nothing. */
  readonly state: S | null
}

/** What became of the members. */
export interface Changes<S> {
  readonly joined: readonly PresenceMember<S>[]
  readonly left: readonly PresenceMember<S>[]
  /** As they are, and as they were. */
  readonly updated: readonly (readonly [PresenceMember<S>, PresenceMember<S>])[]
}

/** Who is in a room, made of what the server tells. */
export class MemberList<S> {
  readonly members: Map<string, PresenceMember<S>> = new Map()
  /** Pages of a snapshot that is not complete; undefined while there is none. */
  #pages: Map<number, readonly PresenceMember<S>[]> | undefined
  #version = 0

  /** A new snapshot comes, from its beginning. */
  begin(): void {
    this.#pages = new Map()
  }

  /** Takes a page; what changed when it was the last one, compared with what was known before. */
  page({ version, page, more }: PresenceState, members: readonly PresenceMember<S>[]): Changes<S> | undefined {
    this.#pages ??= new Map()
    this.#pages.set(page, members)
    if (more) return
    const all = [...this.#pages.values()].flat()
    this.#pages = undefined
    this.#version = version
    const here = new Set(all.map(({ member }) => member))
    return this.#apply(all, [...this.members.keys()].filter((member) => !here.has(member)))
  }

  /** Takes changes; undefined when they do not follow on what is known. */
  change(
    { version }: PresenceChanges,
    set: readonly PresenceMember<S>[],
    gone: readonly string[],
  ): Changes<S> | undefined {
    if (this.#pages || version !== this.#version + 1) return
    this.#version = version
    return this.#apply(set, gone)
  }

  /** Nobody is known any more. */
  clear(): Changes<S> {
    this.#pages = undefined
    return this.#apply([], [...this.members.keys()])
  }

  #apply(set: readonly PresenceMember<S>[], gone: readonly string[]): Changes<S> {
    const joined: PresenceMember<S>[] = []
    const updated: [PresenceMember<S>, PresenceMember<S>][] = []
    const left = gone.flatMap((name) => this.members.get(name) ?? [])
    for (const name of gone) this.members.delete(name)
    for (const member of set) {
      const before = this.members.get(member.member)
      if (!before) joined.push(member)
      // The server writes a state that did not change the same way.
      else if (JSON.stringify(before.state) !== JSON.stringify(member.state)) updated.push([member, before])
      else continue
      this.members.set(member.member, member)
    }
    return { joined, left, updated }
  }
}
