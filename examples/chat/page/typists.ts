/** A little more than the pause between two signals of one writer. */
const SHOWN_FOR = 3_500
const MAX_NAMED = 2

/** Who is writing in a room just now. */
export class Typists {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()
  readonly #changed: () => void

  constructor(changed: () => void) {
    this.#changed = changed
  }

  add(user: string): void {
    clearTimeout(this.#timers.get(user))
    this.#timers.set(user, setTimeout(() => this.remove(user), SHOWN_FOR))
    this.#changed()
  }

  remove(user: string): void {
    clearTimeout(this.#timers.get(user))
    if (this.#timers.delete(user)) this.#changed()
  }

  clear(): void {
    for (const user of [...this.#timers.keys()]) this.remove(user)
  }

  /** As a sentence; empty when nobody is. */
  get sentence(): string {
    const names = [...this.#timers.keys()]
    if (names.length === 0) return ''
    if (names.length > MAX_NAMED) return 'Several people are typing…'
    return `${names.join(' and ')} ${names.length === 1 ? 'is' : 'are'} typing…`
  }
}
