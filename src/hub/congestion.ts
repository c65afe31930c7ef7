import type { Limits } from './limits.ts'

/** Bytes that may wait to be read by one client. */
export interface BacklogBounds {
  /** With more it reads the log, once it has read that. */
  readonly highWaterMark: number
  /** With more its connection is closed. */
  readonly hardLimit: number
  /** With more, what it asks for waits until it has read. */
  readonly congestedAt: number
}

export function backlogBounds({ highWaterMark, hardLimit }: Limits): BacklogBounds {
  return { highWaterMark, hardLimit, congestedAt: Math.min(2 * highWaterMark, hardLimit) }
}

/**
 * A client has not read much of what it was sent. What it asks for is not answered until it has: else the answers to a
 * few small frames would be kept for it by the megabyte.
 */
export class Congestion {
  /** Resolves when enough was read, or the connection is over. */
  readonly over: Promise<void>
  /** Says that it is. */
  end!: () => void

  constructor() {
    this.over = new Promise((resolve) => this.end = resolve)
  }
}
