import type { Frame } from '../protocol/codec.ts'
import type { RawLimits } from './limits.ts'

/** Somebody who waits for the next frame. */
export interface Reader {
  /** Given the frame. */
  take(frame: Frame): void
  /** Told that none will come. */
  end(): void
}

/** A frame that waits, and its length in bytes. */
interface Waiting {
  readonly frame: Frame
  readonly bytes: number
  next?: Waiting
}

/** What one connection was sent and nobody has read yet, or who waits for it; and how much is being handled. */
export class Inbox {
  readonly #maxFrames: number
  readonly #maxBytes: number
  readonly #readers = new Set<Reader>()
  #first: Waiting | undefined
  #last: Waiting | undefined
  #heldFrames = 0
  #heldBytes = 0

  constructor(limits: Pick<RawLimits, 'maxInboundQueue' | 'maxInboundBytes'>) {
    this.#maxFrames = limits.maxInboundQueue
    this.#maxBytes = limits.maxInboundBytes
  }

  /** Whether no frame waits. */
  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Counts a frame as held until it is released; false when that would be too much. */
  hold(bytes: number): boolean {
    if (this.#heldFrames >= this.#maxFrames || this.#heldBytes + bytes > this.#maxBytes) return false
    this.#heldFrames += 1
    this.#heldBytes += bytes
    return true
  }

  release(bytes: number): void {
    this.#heldFrames -= 1
    this.#heldBytes -= bytes
  }

  /** Keeps a frame, which is held already. */
  push(frame: Frame, bytes: number): void {
    const waiting: Waiting = { frame, bytes }
    if (this.#last === undefined) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
  }

  /** The oldest frame; it stays held. */
  shift(): { readonly frame: Frame; readonly bytes: number } | undefined {
    const first = this.#first
    this.#first = first?.next
    if (this.#first === undefined) this.#last = undefined
    return first
  }

  /** Forgets what waits. */
  clear(): void {
    for (let waiting = this.shift(); waiting !== undefined; waiting = this.shift()) this.release(waiting.bytes)
  }

  /** Waits for a frame; gives what takes the reader back. */
  await(reader: Reader): () => void {
    this.#readers.add(reader)
    return () => void this.#readers.delete(reader)
  }

  /** Gives a frame to who has waited longest; false when nobody waits. */
  give(frame: Frame): boolean {
    for (const reader of this.#readers) {
      this.#readers.delete(reader)
      reader.take(frame)
      return true
    }
    return false
  }

  /** Tells everybody who waits that no frame will come. */
  end(): void {
    for (const reader of this.#readers) {
      this.#readers.delete(reader)
      reader.end()
    }
  }
}
