import type { Frame } from '../../protocol/codec.ts'

const encoder = new TextEncoder()

/** Bytes of a frame, or of any text, on the wire. */
export function sizeOf(frame: Frame): number {
  return (typeof frame === 'string' ? encoder.encode(frame) : frame).length
}
