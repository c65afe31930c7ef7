import type { Executor } from '../executor.ts'

/** What ends at a time. */
export interface Expiring {
  readonly identity: { readonly expiresAt?: number } | undefined
}

/** How late an end may be noticed, in milliseconds. */
const PRECISION = 500

/** All sessions whose identity ends some time, under one clock. */
export class Expiries<S extends Expiring> {
  readonly #executor: Executor
  readonly #now: () => number
  readonly #expire: (session: S) => void
  readonly #all = new Set<S>()
  #stop: (() => void) | undefined

  /** @param now Milliseconds since 1970. */
  constructor(executor: Executor, now: () => number, expire: (session: S) => void) {
    this.#executor = executor
    this.#now = now
    this.#expire = expire
  }

  get size(): number {
    return this.#all.size
  }

  /** Looks after a session, or no longer, as its identity has an end or not. */
  watch(session: S): void {
    if (session.identity?.expiresAt === undefined) return this.forget(session)
    this.#all.add(session)
    this.#stop ??= this.#executor.every(PRECISION, () => this.#look())
  }

  forget(session: S): void {
    if (!this.#all.delete(session) || this.#all.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  #look(): void {
    const now = this.#now()
    for (const session of this.#all) {
      if (now < (session.identity?.expiresAt ?? Infinity)) continue
      this.forget(session)
      this.#expire(session)
    }
  }
}
