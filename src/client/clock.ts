/** Time and chance, replaceable in tests. */
export interface Clock {
  /** Milliseconds; goes on while the machine sleeps. */
  now(): number
  /** From 0 to just under 1. */
  random(): number
  /** Calls once after so many milliseconds; returns what cancels it. */
  after(milliseconds: number, call: () => void): () => void
}

/** Longer waits would overflow the timers of browsers and fire at once. */
const LONGEST_WAIT = 1e9

export const systemClock: Clock = {
  now: Date.now,
  random: Math.random,
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, LONGEST_WAIT))
    return () => clearTimeout(timer)
  },
}
