/** A frame that waits to be read. Positions rise by one with every frame that was ever put there. */
interface Entry {
  readonly position: number
  readonly frame: Uint8Array
  readonly isLossy: boolean
}

/** Bytes of one answer, about. */
export const MAX_ANSWER = 1024 * 1024

/** Counts of all mailboxes of a node. */
export interface MailboxCounts {
  buffered: number
  enqueued: number
  drained: number
  dropped: number
}

/** Some frames from the beginning of a mailbox, and the position of the last. */
export interface Letters {
  readonly frames: readonly Uint8Array[]
  readonly position: number
}

/**
 * What waits to be read by one reader. It keeps what was read until the reader says that it got it. Beyond its capacity
 * the oldest that may be dropped are; what may not is kept, and it is for who puts it here to stop when it is full.
 */
export class Mailbox {
  readonly #capacity: number
  readonly #maxBytes: number
  readonly #counts: MailboxCounts
  #entries: Entry[] = []
  /** Those that may be dropped. */
  #lossy = 0
  #bytes = 0
  #last = 0
  #acknowledged = 0

  /**
   * @param capacity Frames that it keeps.
   * @param maxBytes Bytes beyond which it drops what may be.
   */
  constructor(capacity: number, maxBytes: number, counts: MailboxCounts) {
    this.#capacity = capacity
    this.#maxBytes = maxBytes
    this.#counts = counts
  }

  get size(): number {
    return this.#entries.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether nothing can be dropped for what comes next. */
  get isFull(): boolean {
    return this.#entries.length - this.#lossy >= this.#capacity
  }

  get isHalfEmpty(): boolean {
    return this.#entries.length - this.#lossy <= this.#capacity / 2
  }

  put(frame: Uint8Array, isLossy: boolean): void {
    this.#counts.enqueued += 1
    this.#last += 1
    this.#add({ position: this.#last, frame, isLossy })
    while (this.#lossy > 0 && (this.#entries.length > this.#capacity || this.#bytes > this.#maxBytes)) {
      this.#dropOldest()
    }
  }

  /** Whether a reader may stand there. */
  has(position: number): boolean {
    return position >= this.#acknowledged && position <= this.#last
  }

  /** Forgets what the reader has got. */
  acknowledge(position: number): void {
    this.#acknowledged = position
    const count = this.#entries.findIndex((entry) => entry.position > position)
    const gone = this.#entries.splice(0, count < 0 ? this.#entries.length : count)
    this.#counts.drained += gone.length
    this.#counts.buffered -= gone.length
    for (const { frame, isLossy } of gone) {
      this.#bytes -= frame.byteLength
      this.#lossy -= Number(isLossy)
    }
  }

  /** The first frames, at most so many and about 1 MiB. */
  read(most: number): Letters {
    let bytes = 0
    let count = 0
    while (count < most && count < this.#entries.length) {
      bytes += this.#entries[count]!.frame.byteLength
      if (count > 0 && bytes > MAX_ANSWER) break
      count += 1
    }
    const read = this.#entries.slice(0, count)
    return { frames: read.map(({ frame }) => frame), position: read.at(-1)?.position ?? this.#acknowledged }
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.buffered -= this.#entries.length
    this.#entries = []
    this.#lossy = 0
    this.#bytes = 0
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entry.frame.byteLength
    this.#lossy += Number(entry.isLossy)
    this.#counts.buffered += 1
  }

  #dropOldest(): void {
    const index = this.#entries.findIndex(({ isLossy }) => isLossy)
    const [dropped] = this.#entries.splice(index, 1)
    this.#bytes -= dropped!.frame.byteLength
    this.#lossy -= 1
    this.#counts.buffered -= 1
    this.#counts.dropped += 1
  }
}
