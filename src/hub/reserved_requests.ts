import type { Contract } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkRoomName, quote } from '../protocol/names.ts'
import type { Connection } from './connection.ts'
import type { HubCore } from './core.ts'
import { historyText } from './history.ts'
import { readJoinRequest } from './requests.ts'

/**
 * Answers the protocol's own requests.
 * @throws {RotundaError} `reserved_type` for a reserved type that clients may not send.
 */
export function answerReserved<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection,
  envelope: Envelope,
): void | Promise<void> {
  const { type, ref } = envelope
  switch (type) {
    case 'session.ping':
      return connection.sendReserved('session.pong', {}, { ref })
    case 'room.join': {
      const room = checkRoomName(envelope.room)
      return core.rooms.join(connection, room, readJoinRequest(envelope.payload), (joined) => {
        connection.sendReserved('room.joined', joined, { room, ref })
      })
    }
    case 'room.leave': {
      const room = checkRoomName(envelope.room)
      core.rooms.leave(connection, room)
      return connection.sendReserved('room.left', {}, { room, ref })
    }
    case 'room.history':
      return answerHistory(core, connection, checkRoomName(envelope.room), envelope)
    default:
      throw new RotundaError('reserved_type', `Type ${quote(type)} is rotunda's own and not one that clients send.`)
  }
}

async function answerHistory<C extends Contract, M>(
  core: HubCore<C, M>,
  connection: Connection,
  room: string,
  { type, ref, payload }: Envelope,
): Promise<void> {
  const text = historyText(await core.history(room, payload))
  const reply = { type, kind: 'reply', room, payload: text }
  connection.send(ref === undefined ? reply : { ...reply, ref })
}
