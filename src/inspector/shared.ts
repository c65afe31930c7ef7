/** How long a result is good for, in milliseconds; a little less than a second, at which pages ask. */
const LIFETIME = 900
/** Most of the time that may go into making one result again and again: a twentieth. */
const SHARE = 20
/** Results that are kept at once: one for each different question asked within a second. */
const MOST = 64

interface Entry<T> {
  readonly value: Promise<T>
  /** When it is made anew; unknown while it is being made. */
  staleAt: number
}

/**
 * Results that all who ask share: whatever is asked is made once a second, and more seldom where making it takes long.
 */
export class Shared<T> {
  readonly #entries = new Map<string, Entry<T>>()

  get(question: string, make: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(question)
    if (known !== undefined && performance.now() < known.staleAt) return known.value
    this.#entries.delete(question)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < MOST) break
      this.#entries.delete(oldest)
    }
    const began = performance.now()
    const entry: Entry<T> = { value: make(), staleAt: Infinity }
    this.#entries.set(question, entry)
    entry.value.then(() => {
      const now = performance.now()
      entry.staleAt = now + Math.max(LIFETIME, (now - began) * SHARE)
    }, () => {
      if (this.#entries.get(question) === entry) this.#entries.delete(question)
    })
    return entry.value
  }

  clear(): void {
    this.#entries.clear()
  }
}
