import { RotundaError } from '../protocol/errors.ts'

/** Who may wait at a gate. */
const MOST_WAITING = 10_000

/**
 * Lets only so many do something at once; others wait in the order in which they came. What thousands ask for at the same
 * moment would else be answered all at once, and nobody else be heard until then.
 */
export class Gate {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(most: number) {
    this.#most = most
  }

  /** @throws {RotundaError} As rejection: `overloaded`, or what `work` rejects with. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#most) this.#inside += 1
    else if (this.#waiting.length < MOST_WAITING) await new Promise<void>((enter) => this.#waiting.push(enter))
    else throw new RotundaError('overloaded', `${MOST_WAITING} requests for history wait already; try again later.`)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#inside -= 1
      else next()
    }
  }
}
