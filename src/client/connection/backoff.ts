/** How long to wait between attempts, in milliseconds. */
export interface BackoffOptions {
  /** The first wait is at most this long, each further one at most twice the one before. Default 3,000. */
  readonly base: number
  /** No wait is longer. Default 60,000. */
  readonly max: number
}

/**
 * Exponential backoff with full jitter: each wait is random between 0 and a ceiling that doubles, so that clients that
 * were disconnected together do not come back together.
 */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #random: () => number
  #attempts = 0

  constructor(random: () => number, options: BackoffOptions = { base: 500, max: 30_000 }) {
    this.#options = options
    this.#random = random
  }

  next(): number {
    const { base, max } = this.#options
    return this.#random() * Math.min(max, base * 2 ** this.#attempts++)
  }

  reset(): void {
    this.#attempts = 0
  }
}
