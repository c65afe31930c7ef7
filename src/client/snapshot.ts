import type { Envelope } from '../protocol/envelope.ts'
import { encode } from './outbox.ts'

/**
 * An envelope that is sent later, as it is now.
 * @throws {RotundaError} `invalid_payload`
 */
export function snapshot(envelope: Envelope): Envelope {
  const { payload } = encode(envelope)
  return { ...envelope, payload: typeof payload === 'string' ? JSON.parse(payload) : payload }
}
