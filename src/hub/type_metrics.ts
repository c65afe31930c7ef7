/** How long something took, in milliseconds; zeros before the first time. */
export interface Latency {
  readonly last: number
  readonly min: number
  readonly avg: number
  readonly max: number
}

/** What came of one type. */
export interface TypeMetrics {
  readonly received: number
  /** Those that were answered with an error. */
  readonly failed: number
  /** From the frame's arrival in its turn to the end of its handler; commits are not waited for. */
  readonly latency: Latency
}

/** Types that are told apart, for each session too; all others are counted as one. */
const MAX_TYPES = 1_000
/** What types are counted under that nobody handles, or that are too many. */
export const OTHER_TYPES = '(other)'

class Count {
  received = 0
  failed = 0
  #last = 0
  #min = 0
  #max = 0
  #total = 0

  add(milliseconds: number, failed: boolean): void {
    this.#min = this.received === 0 ? milliseconds : Math.min(this.#min, milliseconds)
    this.#max = Math.max(this.#max, milliseconds)
    this.#last = milliseconds
    this.#total += milliseconds
    this.received += 1
    if (failed) this.failed += 1
  }

  get reading(): TypeMetrics {
    const { received, failed } = this
    const avg = received === 0 ? 0 : this.#total / received
    return { received, failed, latency: { last: this.#last, min: this.#min, avg, max: this.#max } }
  }
}

/** Counts envelopes and how long they took, by type and altogether. */
export class TypeCounts {
  readonly #byType = new Map<string, Count>()
  readonly #all = new Count()

  add(type: string, milliseconds: number, failed: boolean): void {
    this.#all.add(milliseconds, failed)
    const count = this.#byType.get(type) ?? this.#begin(type)
    count.add(milliseconds, failed)
  }

  #begin(type: string): Count {
    const name = this.#byType.size < MAX_TYPES ? type : OTHER_TYPES
    const count = this.#byType.get(name) ?? new Count()
    this.#byType.set(name, count)
    return count
  }

  get all(): TypeMetrics {
    return this.#all.reading
  }

  get byType(): Readonly<Record<string, TypeMetrics>> {
    return Object.fromEntries([...this.#byType].map(([type, count]) => [type, count.reading]))
  }
}
