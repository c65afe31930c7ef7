/** Frames, messages and bytes of one session. */
export interface SessionMetrics {
  readonly framesIn: number
  /** Envelopes, those not understood included. */
  readonly messagesIn: number
  readonly bytesIn: number
  readonly framesOut: number
  readonly messagesOut: number
  readonly bytesOut: number
}

/** Frames, messages and bytes that are being added up. */
export type Traffic = { -readonly [K in keyof SessionMetrics]: SessionMetrics[K] }

/** What a channel has sent. */
export interface Sent {
  readonly frames: number
  readonly messages: number
  readonly bytes: number
}

export function noTraffic(): Traffic {
  return { framesIn: 0, messagesIn: 0, bytesIn: 0, framesOut: 0, messagesOut: 0, bytesOut: 0 }
}

export function countIn(sum: Traffic, frames: number, messages: number, bytes: number): void {
  sum.framesIn += frames
  sum.messagesIn += messages
  sum.bytesIn += bytes
}

export function countOut(sum: Traffic, frames: number, messages: number, bytes: number): void {
  sum.framesOut += frames
  sum.messagesOut += messages
  sum.bytesOut += bytes
}
