import type { Contract } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { checkRoomName } from '../protocol/names.ts'
import type { HistoryRequest } from '../protocol/reserved.ts'
import type { Connection } from './connection.ts'
import type { HubCore } from './core.ts'
import { historyText } from './history.ts'
import { readJoinRequest } from './requests.ts'

/** Answers one of the protocol's own requests. */
export type BuiltinRequest<C extends Contract, M> = (
  core: HubCore<C, M>,
  connection: Connection<M>,
  envelope: Envelope,
) => void | Promise<void>

/** The protocol's own requests, by type. */
export function builtinRequests<C extends Contract, M>(): ReadonlyMap<string, BuiltinRequest<C, M>> {
  return new Map<string, BuiltinRequest<C, M>>([
    ['session.ping', answerPing],
    ['session.whoami', answerWhoAmI],
    ['room.join', join],
    ['room.leave', leave],
    ['room.history', answerHistory],
  ])
}

function answerPing<C extends Contract, M>(_: HubCore<C, M>, connection: Connection<M>, { ref }: Envelope): void {
  connection.sendReserved('session.pong', {}, { ref })
}

function answerWhoAmI<C extends Contract, M>(
  _: HubCore<C, M>,
  connection: Connection<M>,
  { type, ref }: Envelope,
): void {
  const { id, node, connectedAt } = connection
  const rooms = connection.rooms.map((room) => room.name)
  connection.sendReply(type, ref, undefined, JSON.stringify({ session: id, node, connectedAt, rooms }))
}

function join<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  envelope: Envelope,
): void | Promise<void> {
  const room = checkRoomName(envelope.room)
  const request = readJoinRequest(envelope.payload)
  return core.memberships.ask(connection, room, request, envelope.ref)
}

function leave<C extends Contract, M>(core: HubCore<C, M>, connection: Connection<M>, envelope: Envelope): void {
  core.memberships.leave(connection, checkRoomName(envelope.room), envelope.ref)
}

async function answerHistory<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection<M>,
  { type, room: name, ref, payload }: Envelope,
): Promise<void> {
  const room = checkRoomName(name)
  // What fills a hole is what joining would have replayed.
  const action = (payload as HistoryRequest | null)?.after === undefined ? 'history' : 'replay'
  await core.access.check(connection, action, room)
  connection.sendReply(type, ref, room, historyText(await core.history(room, payload)))
}
