import { RotundaError } from '../protocol/errors.ts'

/** Wrong passwords that one address may show before it is refused. */
const MOST = 10
/** How long it is refused then, and for how long what was wrong is remembered, in milliseconds. */
const LOCKED = 60_000
/** Addresses that are remembered. */
const MOST_ADDRESSES = 10_000

/** Refuses who has guessed too often. */
export class TooManyAttempts extends RotundaError {
  /** Seconds after which it may be tried again. */
  readonly retryIn: number

  constructor(retryIn: number) {
    super('quota_exceeded', `${MOST} passwords were wrong; try again in ${retryIn} s.`)
    this.retryIn = retryIn
  }
}

interface Failures {
  count: number
  until: number
}

/** Who showed wrong passwords, by address: a few are mistakes, more are guesses. */
export class Attempts {
  readonly #now: () => number
  /** The one that failed longest ago first. */
  readonly #failures = new Map<string, Failures>()

  /** @param now Milliseconds of a clock that does not go back. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#failures.size
  }

  /** @throws {TooManyAttempts} */
  check(address: string): void {
    const failures = this.#failures.get(address)
    const left = (failures?.until ?? 0) - this.#now()
    if (failures !== undefined && failures.count >= MOST && left > 0) throw new TooManyAttempts(Math.ceil(left / 1000))
  }

  /**
   * A password was wrong.
   * @returns Whether that is one too many, from which on the address is refused.
   */
  failed(address: string): boolean {
    const now = this.#now()
    const known = this.#failures.get(address)
    const count = known === undefined || known.until <= now ? 1 : known.count + 1
    this.#failures.delete(address)
    this.#failures.set(address, { count, until: now + LOCKED })
    for (const [oldest, { until }] of this.#failures) {
      if (until > now && this.#failures.size <= MOST_ADDRESSES) break
      this.#failures.delete(oldest)
    }
    return count === MOST
  }
}
