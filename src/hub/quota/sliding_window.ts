/** Into how many pieces a window's time is divided. */
const SLOTS = 10

/**
 * How much was used within the last so many milliseconds. Time is divided into tenths of the window; what was used in the
 * tenth under way and in the ten before it counts. So nothing that lies within the window is missing, and what lies before
 * it counts for a tenth of the window at most.
 */
export class SlidingWindow {
  readonly #slotLength: number
  readonly #used = new Array<number>(SLOTS + 1).fill(0)
  #slot = 0
  /** When the tenth under way is over; asked at every message, so that little else is done there. */
  #until: number
  #total = 0

  /** @param window Milliseconds. */
  constructor(window: number) {
    this.#slotLength = this.#until = window / SLOTS
  }

  /** @param now Milliseconds of a clock that does not go back. */
  used(now: number): number {
    if (now >= this.#until) this.#moveTo(Math.floor(now / this.#slotLength))
    return this.#total
  }

  add(amount: number, now: number): void {
    if (now >= this.#until) this.#moveTo(Math.floor(now / this.#slotLength))
    this.#used[this.#slot % this.#used.length]! += amount
    this.#total += amount
  }

  /** When so much will be free, in milliseconds from now; 0 when it is. */
  freeIn(amount: number, limit: number, now: number): number {
    let used = this.used(now)
    for (let i = 1; used + amount > limit && i <= SLOTS; i++) {
      used -= this.#used[(this.#slot + i) % this.#used.length]!
      if (used + amount <= limit) return (this.#slot + i) * this.#slotLength - now
    }
    return used + amount > limit ? (SLOTS + 1) * this.#slotLength : 0
  }

  #moveTo(slot: number): void {
    if (slot <= this.#slot) return
    const passed = Math.min(slot - this.#slot, this.#used.length)
    for (let i = 1; i <= passed; i++) {
      const index = (slot - passed + i) % this.#used.length
      this.#total -= this.#used[index]!
      this.#used[index] = 0
    }
    this.#slot = slot
    this.#until = (slot + 1) * this.#slotLength
  }
}
