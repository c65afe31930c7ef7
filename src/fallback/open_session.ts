import type { Contract } from '../protocol/contract.ts'
import { MAX_BATCH } from '../protocol/json_codec.ts'
import type { Admission, Hub, Variant } from '../hub/mod.ts'
import type { PlacedRoom } from './parameters.ts'
import type { Credential, HttpSession } from './sessions.ts'

/** How a session over HTTP begins. */
export interface Opening<M> {
  readonly own: Credential
  readonly admission: Admission<M>
  readonly variant: Variant
  readonly rooms: readonly PlacedRoom[]
}

/** Opens a session and joins the rooms of its URL, as if it had asked to. */
export function openSession<C extends Contract, M>(
  hub: Hub<C, M>,
  peer: HttpSession['peer'],
  { own: { id, secret, credential }, admission, variant, rooms }: Opening<M>,
): HttpSession {
  const { metadata } = admission
  const start = { subprotocol: undefined, metadata, admission, variant, id, credential }
  const connection = peer.connection = hub.connect(peer, start)
  for (let i = 0; i < rooms.length; i += MAX_BATCH) {
    const joins = rooms.slice(i, i + MAX_BATCH).map(({ room, request }) => ({
      type: 'room.join',
      room,
      payload: request,
    }))
    connection.receive(JSON.stringify(joins))
  }
  return { id, secret, connection, peer }
}
