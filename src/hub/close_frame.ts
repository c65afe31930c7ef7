import { isSendableCloseCode } from '../protocol/close_codes.ts'
import { RotundaError } from '../protocol/errors.ts'

/** Bytes that a close frame can carry beside its code. */
const MAX_REASON = 123

/** @throws {RotundaError} `invalid_config` for a code that must not be sent. */
export function checkCloseCode(code: number): void {
  if (isSendableCloseCode(code)) return
  throw new RotundaError('invalid_config', `Close code ${code} may not be sent; use 1000 to 1014 or 3000 to 4999.`)
}

/** Cuts a reason to what a close frame can carry, between characters. */
export function fitReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason)
  if (bytes.length <= MAX_REASON) return reason
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON), { stream: true })
}
