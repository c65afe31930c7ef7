import { readFileSync } from 'node:fs'

/** How long an event loop let wait what was due, in milliseconds. */
export interface LoopDelay {
  readonly p99: number
  readonly longest: number
  /** Of the longest single turn, what this thread itself computed: the rest is others' on the same processors. */
  readonly longestOwn: number
  /** Share of the time that this thread was ready to run and others did, on a system that tells. */
  readonly waited: number
}

const EVERY = 5

/** Looks at its thread's event loop every few milliseconds. To be made in the thread that it watches. */
export class LoopWatch {
  #delays: number[] = []
  #longestOwn = 0
  #last = reading()
  #first: Reading = this.#last

  constructor() {
    setInterval(() => this.#look(), EVERY)
  }

  /** What was seen since the last time this was asked. */
  take(): LoopDelay {
    this.#look()
    const delays = this.#delays.sort((a, b) => a - b)
    const { at, waited } = this.#last
    const delay = {
      p99: delays[Math.floor(delays.length * 0.99)] ?? 0,
      longest: delays.at(-1) ?? 0,
      longestOwn: this.#longestOwn,
      waited: (waited - this.#first.waited) / (at - this.#first.at),
    }
    this.#delays = []
    this.#longestOwn = 0
    this.#first = this.#last
    return delay
  }

  #look(): void {
    const now = reading()
    // A turn of 100 ms kept waiting what was due at its beginning, and what came due in each of the 100.
    for (let delay = now.at - this.#last.at - EVERY; delay > 0; delay -= EVERY) this.#delays.push(delay)
    if (now.at - this.#last.at < EVERY) this.#delays.push(0)
    this.#longestOwn = Math.max(this.#longestOwn, now.own - this.#last.own)
    this.#last = now
  }
}

interface Reading {
  readonly at: number
  /** CPU time of this thread. */
  readonly own: number
  /** Time it was ready to run and did not. */
  readonly waited: number
}

function reading(): Reading {
  const at = performance.now()
  try {
    const [own = 0, waited = 0] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ').map(Number)
    return { at, own: own / 1e6, waited: waited / 1e6 }
  } catch {
    return { at, own: 0, waited: 0 }
  }
}
