import type { Executor } from '../executor.ts'

/** Those who lost their connection and may be back before anybody notices. */
export class Graces {
  readonly #executor: Executor
  readonly #milliseconds: number
  readonly #pending = new Set<{ end(): void }>()

  constructor(executor: Executor, milliseconds: number) {
    this.#executor = executor
    this.#milliseconds = milliseconds
  }

  get size(): number {
    return this.#pending.size
  }

  /** Calls `end` when the time is over, unless the result is called before. */
  add(end: () => void): () => void {
    let cancelTimer = () => {}
    const cancel = () => {
      cancelTimer()
      this.#pending.delete(grace)
    }
    const grace = {
      end: () => {
        cancel()
        end()
      },
    }
    this.#pending.add(grace)
    // When all is being stopped nothing is told any more; other nodes keep a grace of their own.
    if (!this.#executor.signal.aborted) cancelTimer = this.#executor.after(this.#milliseconds, grace.end)
    return cancel
  }

  /** Makes room: who has been away for longest is gone. False when nobody is away. */
  endOldest(): boolean {
    for (const grace of this.#pending) {
      grace.end()
      return true
    }
    return false
  }
}
