/** A distribution as read: how many values were at most each bound, in the order of the bounds. */
export interface Distribution {
  readonly bounds: readonly number[]
  /** Not cumulative; one more than there are bounds, for what is beyond the last. */
  readonly counts: readonly number[]
  readonly sum: number
  readonly count: number
}

/** Counts values by size: one addition a value, whoever reads it. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** @param bounds Rising upper bounds. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array(bounds.length + 1).fill(0)
  }

  add(value: number): void {
    let i = 0
    while (i < this.#bounds.length && value > this.#bounds[i]!) i += 1
    this.#counts[i]! += 1
    this.#sum += value
    this.#count += 1
  }

  get reading(): Distribution {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum, count: this.#count }
  }
}
