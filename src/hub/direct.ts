import type { Contract, EventDefinition } from '../protocol/contract.ts'
import type { EncodedEnvelope, Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Connection } from './connection.ts'
import type { HubCore } from './core.ts'
import { encodePayload, validate } from './definitions.ts'

/** An envelope `to` this goes to every session. */
const EVERYBODY = '*'

/**
 * Sends a client's event to one session, or to all, past the rooms: at most once and never stored.
 * @throws {RotundaError} `forbidden`, `not_found`, `invalid_payload`, `invalid_frame`
 */
export async function sendDirect<C extends Contract, M>(
  core: HubCore<C, M>,
  sender: Connection<M>,
  envelope: Envelope,
  { schema }: EventDefinition,
): Promise<void> {
  const { type, to = EVERYBODY, room, ref, traceparent } = envelope
  if (room !== undefined) throw new RotundaError('invalid_frame', '"room" and "to" exclude each other.')
  const payload = encodePayload(await validate(schema, envelope.payload))
  await core.access.check(sender, to === EVERYBODY ? 'broadcast' : 'send', to)
  const direct: EncodedEnvelope = { type, to, from: sender.id, ts: Date.now(), payload }
  const sent = traceparent === undefined ? direct : { ...direct, traceparent }
  if (to === EVERYBODY) {
    for (const connection of core.connections.values()) connection.send(sent)
    core.rooms.tell([sent])
  } else if (core.connections.get(to)?.send(sent) !== true) {
    throw new RotundaError('not_found', `There is no session ${quote(to)} here.`)
  }
  if (ref !== undefined) sender.sendReserved('ack', {}, { ref })
}
