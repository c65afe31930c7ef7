import type { Entry, NamedEntry } from './entry.ts'

/** What changed on a node between two of its versions of a room. */
export interface Diff {
  readonly from: number
  readonly to: number
  readonly set: readonly NamedEntry[]
  /** Who is gone, and whether it left: not only lost its connection. */
  readonly gone: readonly (readonly [member: string, left: boolean])[]
}

/** A piece of all that a node has in a room. */
export interface Part {
  readonly version: number
  readonly part: number
  readonly parts: number
  readonly set: readonly NamedEntry[]
}

/** Diffs that came too early and are kept; more than that and everything is asked for anyway. */
const MAX_HELD = 64

/** What one other node has in one room, as far as we heard. */
export class Source {
  readonly entries: Map<string, Entry> = new Map()
  readonly #touch: (member: string) => void
  readonly #held = new Map<number, Diff>()
  #version = 0
  #incoming: { readonly version: number; readonly parts: Map<number, readonly NamedEntry[]> } | undefined

  /** @param touch Told of every member of whom something changes. */
  constructor(touch: (member: string) => void) {
    this.#touch = touch
  }

  /** The node's version that `entries` are of; 0 before anything is known. */
  get version(): number {
    return this.#version
  }

  /** Takes a diff. One that is `early` waits for what is missing before it. */
  diff(diff: Diff): 'known' | 'early' | 'applied' {
    if (diff.to <= this.#version) return 'known'
    if (diff.from !== this.#version) {
      if (this.#held.size >= MAX_HELD) this.#held.clear()
      this.#held.set(diff.from, diff)
      return 'early'
    }
    this.#apply(diff)
    this.#applyHeld()
    return 'applied'
  }

  /** Takes a piece of everything; true when nothing of it is missing. */
  part({ version, part, parts, set }: Part): boolean {
    if (version <= this.#version) return true
    if (this.#incoming === undefined || this.#incoming.version < version) this.#incoming = { version, parts: new Map() }
    if (this.#incoming.version > version) return false
    this.#incoming.parts.set(part, set)
    if (this.#incoming.parts.size < parts) return false
    const all = [...this.#incoming.parts.values()].flat()
    this.#incoming = undefined
    this.replace(version, all)
    return true
  }

  /** Takes everything at once, unless what is known is as new. */
  replace(version: number, all: readonly NamedEntry[]): void {
    if (version > this.#version) {
      const before = new Set(this.entries.keys())
      for (const [member, entry] of all) {
        before.delete(member)
        this.#set(member, entry)
      }
      for (const member of before) this.#delete(member)
      this.#version = version
    }
    this.#applyHeld()
  }

  /** The node is gone, and all it had with it. */
  clear(): void {
    for (const member of [...this.entries.keys()]) this.#delete(member)
  }

  #apply({ to, set, gone }: Diff): void {
    for (const [member, entry] of set) this.#set(member, entry)
    for (const [member] of gone) this.#delete(member)
    this.#version = to
  }

  #applyHeld(): void {
    for (let next; (next = this.#held.get(this.#version)) !== undefined;) this.#apply(next)
    for (const [from] of this.#held) if (from < this.#version) this.#held.delete(from)
  }

  #set(member: string, entry: Entry): void {
    this.entries.set(member, entry)
    this.#touch(member)
  }

  #delete(member: string): void {
    if (this.entries.delete(member)) this.#touch(member)
  }
}
