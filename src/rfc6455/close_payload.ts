import { CLOSE, isSendableCloseCode } from '../protocol/close_codes.ts'
import { quote } from '../protocol/names.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { FrameError } from './frame_error.ts'
import { decodeUtf8 } from './utf8.ts'

/** Most bytes of a reason in UTF-8: a control frame has at most 125, and two are the code's. */
export const MAX_REASON_SIZE = 123

/** Why a peer closes. */
export interface CloseStatus {
  /** 1005 where the close frame says nothing. */
  readonly code: number
  readonly reason: string
}

const encoder = new TextEncoder()

/**
 * The payload of a close frame; without a code it is empty.
 * @throws {RotundaError} `invalid_frame`: a code that may not be sent, a reason without a code or above 123 bytes.
 */
export function closePayload(code?: number, reason: string = ''): Uint8Array {
  if (code === undefined) {
    if (reason !== '') throw new RotundaError('invalid_frame', `The reason ${quote(reason)} needs a close code.`)
    return new Uint8Array()
  }
  if (!isSendableCloseCode(code)) {
    throw new RotundaError(
      'invalid_frame',
      `Close code ${quote(code)} may not be sent; use 1000 to 1014 without 1004 to 1006, or 3000 to 4999.`,
    )
  }
  const text = encoder.encode(reason)
  if (text.length > MAX_REASON_SIZE) {
    throw new RotundaError('invalid_frame', `The reason has ${text.length} bytes; at most ${MAX_REASON_SIZE} fit.`)
  }
  const payload = new Uint8Array(2 + text.length)
  payload[0] = code >> 8
  payload[1] = code & 255
  payload.set(text, 2)
  return payload
}

/** Reads the payload of a close frame. What RFC 6455 forbids in it is returned as a {@link FrameError}. */
export function readClosePayload(payload: Uint8Array): CloseStatus | FrameError {
  if (payload.length === 0) return { code: CLOSE.noStatus, reason: '' }
  if (payload.length === 1) return new FrameError(1002, 'A close frame has one byte; a code has two.')
  const code = payload[0]! << 8 | payload[1]!
  if (!isSendableCloseCode(code)) return new FrameError(1002, `A close frame has code ${code}, which may not be sent.`)
  const reason = decodeUtf8(payload.subarray(2))
  return reason === undefined ? new FrameError(1007, 'The reason of a close frame is not UTF-8.') : { code, reason }
}
