import type { Clock } from '../clock.ts'

/** A connection that ended sooner after it had opened was no good, in milliseconds. */
const STABLE = 10_000

/** What is known of the transports: which one to begin with, and when to go on to the next. */
export class Record {
  /** The one to begin with. */
  index = 0
  readonly #clock: Clock
  readonly #count: number
  readonly #remember: (index: number) => void
  readonly #worked = new Set<number>()
  /** Failures in a row of each. */
  readonly #strikes = new Map<number, number>()
  #openedAt = 0

  constructor(clock: Clock, count: number, start: number, remember: (index: number) => void) {
    this.#clock = clock
    this.#count = count
    this.index = start
    this.#remember = remember
  }

  opened(index: number): void {
    this.#worked.add(index)
    this.#openedAt = this.#clock.now()
    this.index = index
    this.#remember(index)
  }

  /** One that was open has ended. @param badly Whether without a word of the server. */
  ended(index: number, badly: boolean): void {
    if (!badly) return
    if (this.#clock.now() - this.#openedAt >= STABLE) this.#strikes.delete(index)
    else if (this.failed(index)) this.index = this.next(index)
  }

  /** One that fell silent while it was open. */
  fellSilent(index: number): void {
    if (this.failed(index)) this.index = this.next(index)
  }

  /** Counts a failure; true when another one is to be tried: at once for what never worked, else not for a hiccup. */
  failed(index: number): boolean {
    const strikes = (this.#strikes.get(index) ?? 0) + 1
    this.#strikes.set(index, strikes)
    return strikes > (this.#worked.has(index) ? 1 : 0)
  }

  /** None of them can connect, so it is the fault of none. */
  forgive(): void {
    this.#strikes.clear()
  }

  /** One is given another chance, the last of its kind before it has proved itself. */
  trust(index: number): void {
    this.#strikes.set(index, 1)
    this.index = index
  }

  next(index: number): number {
    return (index + 1) % this.#count
  }
}
