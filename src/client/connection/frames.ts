import type { Envelope } from '../../protocol/envelope.ts'
import type { Welcome } from '../../protocol/reserved.ts'

const encoder = new TextEncoder()

/** Whether a text has at most so many bytes in UTF-8. */
export function fits(text: string, bytes: number): boolean {
  // A UTF-16 code unit is never more than three bytes, which settles most texts without encoding them.
  return text.length * 3 <= bytes || encoder.encode(text).length <= bytes
}

/** The envelopes of a frame; what is not an envelope is left out, since servers may send text of their own. */
export function decodeFrame(frame: string): Envelope[] {
  try {
    const value: unknown = JSON.parse(frame)
    return (Array.isArray(value) ? value : [value]).filter((item) => typeof item?.type === 'string')
  } catch {
    return []
  }
}

/** What a server takes in one frame. */
export type FrameLimits = Pick<Welcome, 'maxBatch' | 'maxMessageSize'>

/** Puts encoded envelopes, in order, into as few batch frames as the server's limits allow. */
export function packFrames(texts: readonly string[], { maxBatch, maxMessageSize }: FrameLimits): string[] {
  const frames: string[] = []
  let batch: string[] = []
  let bytes = 0
  const cut = () => {
    if (batch.length > 0) frames.push(batch.length === 1 ? batch[0]! : `[${batch.join()}]`)
    batch = []
    bytes = 1
  }
  cut()
  for (const text of texts) {
    // One more for the comma or the closing bracket.
    const more = encoder.encode(text).length + 1
    if (batch.length >= maxBatch || bytes + more > maxMessageSize) cut()
    batch.push(text)
    bytes += more
  }
  cut()
  return frames
}
