import { RotundaError } from '../protocol/errors.ts'

/**
 * One scope for everything that goes on in the background: commits, reads, timers, handlers in flight. After `stop` it
 * takes no new work and resolves when what was begun has ended, so nothing outlives the application unseen.
 *
 * @example
 * ```ts
 * const executor = new Executor()
 * executor.every(60_000, () => report(hub.metrics))
 * const hub = createHub({ protocol, store, executor })
 * await hub.close()
 * await executor.stop()
 * ```
 */
export class Executor {
  readonly #tasks = new Set<Promise<unknown>>()
  readonly #timers = new Set<() => void>()
  readonly #stopped = new AbortController()

  /** Aborted by `stop`. */
  get signal(): AbortSignal {
    return this.#stopped.signal
  }

  /** Tasks that have not ended. */
  get size(): number {
    return this.#tasks.size
  }

  /**
   * Starts a task and owns it until it ends. Its failure is the caller's to handle.
   * @throws {RotundaError} `shutting_down` after `stop`.
   */
  run<T>(task: () => Promise<T>): Promise<T> {
    this.#refuseAfterStop()
    return this.track(task())
  }

  /** Owns a task that was started elsewhere. */
  track<T>(task: Promise<T>): Promise<T> {
    this.#tasks.add(task)
    const ended = () => void this.#tasks.delete(task)
    task.then(ended, ended)
    return task
  }

  /**
   * Calls `task` every so many milliseconds until the result is called or the executor stops.
   * @throws {RotundaError} `shutting_down` after `stop`.
   */
  every(milliseconds: number, task: () => void): () => void {
    this.#refuseAfterStop()
    const timer = setInterval(task, milliseconds)
    return this.#owned(() => clearInterval(timer))
  }

  /**
   * Calls `task` once after so many milliseconds unless the result is called or the executor stops before.
   * @throws {RotundaError} `shutting_down` after `stop`.
   */
  after(milliseconds: number, task: () => void): () => void {
    this.#refuseAfterStop()
    const timer = setTimeout(() => {
      this.#timers.delete(cancel)
      task()
    }, milliseconds)
    const cancel = this.#owned(() => clearTimeout(timer))
    return cancel
  }

  /** Resolves when no task is under way, or after the given milliseconds; true when none is. */
  async idle(milliseconds = Infinity): Promise<boolean> {
    const deadline = performance.now() + milliseconds
    while (this.#tasks.size > 0) {
      const left = deadline - performance.now()
      if (left <= 0) return false
      await withinTime(Promise.allSettled(this.#tasks), left)
    }
    return true
  }

  /**
   * Takes no new work, cancels timers, and resolves when every task has ended, or after the given milliseconds; true when
   * every task has. Idempotent.
   */
  async stop(milliseconds = Infinity): Promise<boolean> {
    if (!this.signal.aborted) this.#stopped.abort(new RotundaError('shutting_down', 'The server is stopping.'))
    for (const cancel of [...this.#timers]) cancel()
    return await this.idle(milliseconds)
  }

  #owned(clear: () => void): () => void {
    const cancel = () => {
      clear()
      this.#timers.delete(cancel)
    }
    this.#timers.add(cancel)
    return cancel
  }

  #refuseAfterStop(): void {
    if (this.signal.aborted) throw new RotundaError('shutting_down', 'The executor has stopped and takes no new work.')
  }
}

/** Resolves with the promise or after the time, and leaves no timer behind. */
export async function withinTime(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  if (milliseconds === Infinity) return void await promise
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds))
  try {
    await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
