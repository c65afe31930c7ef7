import type { Entry } from './entry.ts'
import { Source } from './source.ts'

/**
 * Who is in one room over all nodes. Each node owns its members and tells of them in versions; what is known of a node
 * only ever goes from one of its versions to a later one, so messages may come in whatever order, twice, or not at all.
 * A member that several nodes have is one member.
 */
export class PresenceMap {
  /** This node's own members. Who changes them says so with `touch`. */
  readonly own: Map<string, Entry> = new Map()
  readonly touch: (member: string) => void
  readonly #sources = new Map<string, Source>()

  /** @param touch Told of every member of whom something may have changed. */
  constructor(touch: (member: string) => void) {
    this.touch = touch
  }

  /** What is known of another node, by its instance; where nothing is, that begins now. */
  source(instance: string): Source {
    let source = this.#sources.get(instance)
    if (source === undefined) this.#sources.set(instance, source = new Source(this.touch))
    return source
  }

  /** Which version of a node is known, and how many members that has. */
  known(instance: string): { readonly version: number; readonly size: number } {
    const source = this.#sources.get(instance)
    return { version: source?.version ?? 0, size: source?.entries.size ?? 0 }
  }

  /** A node is gone: what it had counts no more. */
  drop(instance: string): void {
    this.#sources.get(instance)?.clear()
    this.#sources.delete(instance)
  }

  /** A member over all nodes: present since the first has it, with the state that was said last. */
  get(member: string): Entry | undefined {
    let newest = this.own.get(member)
    if (this.#sources.size === 0) return newest
    let since = newest?.since ?? Infinity
    for (const { entries } of this.#sources.values()) {
      const entry = entries.get(member)
      if (entry === undefined) continue
      since = Math.min(since, entry.since)
      if (newest === undefined || isNewer(entry, newest)) newest = entry
    }
    return newest === undefined || newest.since === since ? newest : { ...newest, since }
  }

  /** Names of all members. */
  members(): Set<string> {
    const members = new Set(this.own.keys())
    for (const { entries } of this.#sources.values()) for (const member of entries.keys()) members.add(member)
    return members
  }
}

/** Every node must decide alike, also between states that were said in the same millisecond. */
function isNewer(entry: Entry, than: Entry): boolean {
  return entry.at === than.at ? entry.state > than.state : entry.at > than.at
}
