/** What a turn may cost: some milliseconds. */
const SHARE = 1.25 * 1024 * 1024
/** Waking a peer takes as long as copying so many bytes. */
const PEER = 4 * 1024
/** A frame more to the same takes as long as copying so many. */
const FRAME = 512
/** What is never made to wait: most rooms are small. */
const SMALL = 64 * PEER

interface Waiting {
  readonly cost: number
  readonly go: () => void
}

/** What it costs to send so many bytes in so many frames to each of so many. */
export function costOfSending(peers: number, bytes: number, frames = 1): number {
  return peers * (PEER + frames * FRAME + bytes / 2)
}

/**
 * Shares the event loop out: what sends to thousands at once does so over several turns, between which everybody else is
 * heard and served. Who waits is let go on in the order of asking.
 */
export class Turns {
  #spent = 0
  #isCounting = false
  #waiting: Waiting[] = []
  /** Of all who wait: who costs nothing does not make others wait behind it. */
  #waitingCost = 0

  /** Whether this may still be done in this turn; if so it counts as done. */
  take(cost: number): boolean {
    if (cost > SMALL && !this.#fits(cost)) return false
    this.spend(cost)
    return true
  }

  /** Undefined where that may still be done in this turn, else what must be awaited first. */
  pass(cost: number): Promise<void> | undefined {
    if (!this.#fits(cost)) return this.later(cost)
    this.spend(cost)
    return undefined
  }

  /** Resolves in a later turn. */
  later(cost: number): Promise<void> {
    this.#waitingCost += cost
    this.#count()
    return new Promise((go) => this.#waiting.push({ cost, go }))
  }

  /** Counts what cannot wait. */
  spend(cost: number): void {
    this.#spent += cost
    this.#count()
  }

  #fits(cost: number): boolean {
    return this.#waitingCost === 0 && this.#spent + cost <= SHARE
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    // A timer, since after anything less neither runtime has looked at all of its sockets.
    setTimeout(() => this.#nextTurn(), 0)
  }

  #nextTurn(): void {
    this.#isCounting = false
    this.#spent = 0
    let going = 0
    for (const { cost } of this.#waiting) {
      // One at least, whatever it costs.
      if (going > 0 && this.#spent + cost > SHARE) break
      this.spend(cost)
      this.#waitingCost -= cost
      going += 1
    }
    for (const { go } of this.#waiting.splice(0, going)) go()
  }
}
