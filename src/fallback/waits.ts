import type { Executor } from '../hub/mod.ts'

/** Somebody who waits, at the longest until a time. */
export interface Wait {
  /** In milliseconds, by `performance.now`. */
  readonly until: number
  /** Called when the time is over, or nobody shall wait any more. */
  end(): void
}

/** What a wait goes by. */
export interface WaitTerms {
  readonly waits: Waits
  /** Aborted when nobody is there any more for whom to wait. */
  readonly gone: AbortSignal | undefined
}

/**
 * Resolves when the time is over, when nobody is there any more, or when whoever it was made known to ends it.
 * @param register Makes the wait known; gives what takes that back.
 */
export async function waitFor(
  milliseconds: number,
  { waits, gone }: WaitTerms,
  register: (wait: Wait) => () => void,
): Promise<void> {
  const wait = new Waiting(milliseconds)
  const unregister = register(wait)
  const end = () => wait.end()
  gone?.addEventListener('abort', end)
  waits.add(wait)
  try {
    await wait.ended
  } finally {
    waits.delete(wait)
    gone?.removeEventListener('abort', end)
    unregister()
  }
}

class Waiting implements Wait {
  readonly until: number
  readonly ended: Promise<void>
  end!: () => void

  constructor(milliseconds: number) {
    this.until = performance.now() + milliseconds
    this.ended = new Promise((resolve) => this.end = resolve)
  }
}

/** How late a wait may end, in milliseconds. */
const PRECISION = 100

/** All polls that wait, under one clock: a timer for each would cost more than the rest of it. */
export class Waits {
  readonly #executor: Executor
  readonly #all = new Set<Wait>()
  #stop: (() => void) | undefined
  #isOver = false

  constructor(executor: Executor) {
    this.#executor = executor
  }

  get size(): number {
    return this.#all.size
  }

  /** Whether nobody may wait any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  add(wait: Wait): void {
    if (this.#isOver) return wait.end()
    this.#all.add(wait)
    this.#stop ??= this.#executor.every(PRECISION, () => this.#look())
  }

  delete(wait: Wait): void {
    if (!this.#all.delete(wait) || this.#all.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  /** Lets nobody wait any more. */
  endAll(): void {
    this.#isOver = true
    for (const wait of [...this.#all]) this.#end(wait)
  }

  #look(): void {
    const now = performance.now()
    for (const wait of this.#all) if (now >= wait.until) this.#end(wait)
  }

  #end(wait: Wait): void {
    this.delete(wait)
    wait.end()
  }
}
