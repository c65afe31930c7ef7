/** Time within which an empty bucket is full again, in milliseconds. */
export const REFILL = 10_000

/** What may be done at once, filled again evenly. */
export class Bucket {
  #tokens: number
  #at: number

  /** @param now Milliseconds of a clock that does not go back. */
  constructor(capacity: number, now: number) {
    this.#tokens = capacity
    this.#at = now
  }

  /** Takes one; false when there is none. */
  take(capacity: number, refill: number, now: number): boolean {
    this.#tokens = Math.min(capacity, this.#tokens + ((now - this.#at) * refill) / REFILL)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

/** Addresses that are remembered at most, twice. */
const MOST = 65_536

/**
 * A bucket for each of very many. A bucket that was not touched for as long as it takes to fill is as good as a new one:
 * those are forgotten, and so is whoever is too many, the oldest first.
 */
export class Buckets {
  readonly #capacity: number
  #current = new Map<string, Bucket>()
  #previous = new Map<string, Bucket>()
  #since: number

  constructor(capacity: number, now: number) {
    this.#capacity = capacity
    this.#since = now
  }

  /** Buckets that are remembered. */
  get size(): number {
    return this.#current.size + this.#previous.size
  }

  take(key: string, now: number): boolean {
    if (now - this.#since >= REFILL || this.#current.size >= MOST) {
      this.#previous = now - this.#since >= 2 * REFILL ? new Map() : this.#current
      this.#current = new Map()
      this.#since = now
    }
    let bucket = this.#current.get(key)
    if (bucket === undefined) {
      bucket = this.#previous.get(key) ?? new Bucket(this.#capacity, now)
      this.#previous.delete(key)
      this.#current.set(key, bucket)
    }
    return bucket.take(this.#capacity, this.#capacity, now)
  }
}
