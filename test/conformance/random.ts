/** A seeded generator (mulberry32): the same seed, the same values, on every runtime. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, not including, 1. */
  unit(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number, both ends included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.unit() < probability
  }

  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)]!
  }

  /** Text of ASCII, escapes, the whole BMP with lone surrogates, and pairs. */
  text(most: number): string {
    let text = ''
    for (let length = this.whole(0, most); length > 0; length--) {
      const kind = this.whole(0, 9)
      if (kind < 6) text += String.fromCharCode(this.whole(32, 126))
      else if (kind < 7) text += this.pick(['"', '\\', '\n', '\u0000', '\u2028', '/', '\u001f', '\ufeff'])
      else if (kind < 9) text += String.fromCharCode(this.whole(0, 0xffff))
      else text += String.fromCodePoint(this.whole(0x10000, 0x10ffff))
    }
    return text
  }

  /** Any JSON value, nested at most so deep. */
  json(depth: number): unknown {
    const kind = this.whole(0, depth > 0 ? 7 : 5)
    if (kind === 0) return null
    if (kind === 1) return this.chance(0.5)
    if (kind === 2) return this.whole(-1_000_000, 1_000_000)
    if (kind === 3) return this.pick([0, 1e308, 5e-324, -1.5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
    if (kind < 6) return this.text(12)
    const children = Array.from({ length: this.whole(0, 4) }, () => this.json(depth - 1))
    if (kind === 6) return children
    return Object.fromEntries(children.map((child) => [`k${this.text(6)}`, child]))
  }
}
