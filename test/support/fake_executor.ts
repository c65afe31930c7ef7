import { Executor } from '../../src/mod.ts'

interface Timer {
  due: number
  readonly task: () => void
  readonly every: number | undefined
}

/** An executor whose time stands still until a test lets it pass. */
export class FakeExecutor extends Executor {
  #now = 0
  readonly #waiting = new Set<Timer>()

  /** Timers that wait. */
  get pending(): number {
    return this.#waiting.size
  }

  override every(milliseconds: number, task: () => void): () => void {
    return this.#start({ due: this.#now + milliseconds, task, every: milliseconds })
  }

  override after(milliseconds: number, task: () => void): () => void {
    return this.#start({ due: this.#now + milliseconds, task, every: undefined })
  }

  override stop(milliseconds?: number): Promise<boolean> {
    this.#waiting.clear()
    return super.stop(milliseconds)
  }

  /** Time passes at once: every timer fires when it is due, those that are started meanwhile too. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const due = [...this.#waiting].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)
      if (due.length === 0) break
      const now = due[0]!.due
      this.#now = Math.max(this.#now, now)
      // Only those of this very moment: they may start others that come before the next.
      for (const timer of due) if (timer.due === now && this.#waiting.has(timer)) this.#fire(timer)
    }
    this.#now = end
  }

  /** Time passes while nothing can fire, as when the process stands still; what repeats fires once afterwards. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of [...this.#waiting]) {
      if (timer.due > this.#now) continue
      if (timer.every !== undefined) timer.due = this.#now
      this.#fire(timer)
    }
  }

  /** Time passes in steps, and what is handed over between tasks arrives. */
  async pass(milliseconds: number, step = 5): Promise<void> {
    for (let left = milliseconds; left >= 0; left -= step) {
      this.advance(Math.min(step, left))
      for (let i = 0; i < 4; i++) await Promise.resolve()
    }
  }

  #start(timer: Timer): () => void {
    this.#waiting.add(timer)
    return () => void this.#waiting.delete(timer)
  }

  #fire(timer: Timer): void {
    if (timer.every === undefined) this.#waiting.delete(timer)
    else timer.due += timer.every
    timer.task()
  }
}
