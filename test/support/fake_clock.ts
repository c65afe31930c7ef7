import type { Clock } from '../../src/client/clock.ts'

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now = 1_000_000
  readonly #timers = new Set<{ readonly at: number; readonly call: () => void }>()

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  random(): number {
    return 0.5
  }

  after(milliseconds: number, call: () => void): () => void {
    const timer = { at: this.#now + milliseconds, call }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Time passes, and every timer fires when it is due. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > end) break
      this.#now = Math.max(this.#now, next.at)
      this.#timers.delete(next)
      next.call()
    }
    this.#now = end
  }

  /** Time passes while timers are held back, as in a throttled tab; they fire only afterwards. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds
    this.advance(0)
  }
}
