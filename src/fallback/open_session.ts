import type { Contract } from '../protocol/contract.ts'
import { MAX_BATCH } from '../protocol/json_codec.ts'
import type { Admission, Connection, Hub, Peer, Variant } from '../hub/mod.ts'
import type { PlacedRoom } from './parameters.ts'
import { newCredential } from './sessions.ts'

/** How a session over HTTP begins. */
export interface Opening<M> {
  readonly admission: Admission<M>
  readonly variant: Variant
  readonly rooms: readonly PlacedRoom[]
}

/** Opens a session and joins the rooms of its URL, as if it had asked to. */
export function openSession<C extends Contract, M, P extends Peer & { connection: Connection | undefined }>(
  hub: Hub<C, M>,
  peer: P,
  { admission, variant, rooms }: Opening<M>,
): { readonly id: string; readonly secret: string; readonly connection: Connection; readonly peer: P } {
  const { id, secret, credential } = newCredential()
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
