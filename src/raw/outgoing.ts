import type { Frame } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/errors.ts'

/** Which kind of frame data is sent in. */
export type RawMode = 'binary' | 'text'

const encoder = new TextEncoder()
/** A byte order mark is data like another. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Data as a frame of the asked kind: a string stands for its UTF-8 bytes and the other way round.
 * @throws {RotundaError} `invalid_payload` for bytes that are not UTF-8 in a text frame, and for what is no data.
 */
export function frameOf(data: string | Uint8Array, mode: RawMode): Frame {
  if (typeof data === 'string') return mode === 'text' ? data : encoder.encode(data)
  if (!(data instanceof Uint8Array)) {
    throw new RotundaError('invalid_payload', `Only a string or a Uint8Array can be sent, not a ${typeof data}.`)
  }
  if (mode === 'binary') return data
  try {
    return decoder.decode(data)
  } catch (cause) {
    const message = 'These bytes are not UTF-8 and cannot be sent as text; call setBinary() first.'
    throw new RotundaError('invalid_payload', message, { cause })
  }
}
