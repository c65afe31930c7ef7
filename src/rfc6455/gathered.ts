const NOTHING = new Uint8Array()

/** Bytes that arrive in pieces, in one piece of memory that is at most twice what has arrived. */
export class Gathered {
  #bytes: Uint8Array = NOTHING
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Memory that they take, and what is kept free for more. */
  get held(): number {
    return this.#bytes.length
  }

  /** @param most How many there will be at most, as far as that is known. */
  append(bytes: Uint8Array, from: number, to: number, most: number): void {
    const size = this.#size + to - from
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(most, Math.max(size, this.#bytes.length * 2)))
      larger.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = larger
    }
    this.#bytes.set(bytes.subarray(from, to), this.#size)
    this.#size = size
  }

  /** All of them; afterwards there are none. */
  take(): Uint8Array {
    const bytes = this.#size === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#size)
    this.#bytes = NOTHING
    this.#size = 0
    return bytes
  }
}
