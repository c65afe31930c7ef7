import type { Connection } from '../hub/mod.ts'
import type { Query } from './query.ts'
import { type Key, Ranking, scan } from './scan.ts'
import type { Page, SessionDetail, SessionRow } from './view.ts'

/** Rooms of one session that are told. */
const MOST_ROOMS = 100

const KEYS: Readonly<Record<string, (connection: Connection) => Key>> = {
  connected: ({ connectedAt }) => connectedAt,
  seen: ({ lastReceivedAt }) => lastReceivedAt,
  address: ({ peer }) => peer.remoteAddress,
  transport: (connection) => transportOf(connection),
  buffered: ({ peer }) => peer.bufferedAmount,
  behind: (connection) => behindOf(connection),
  rooms: ({ roomCount }) => roomCount,
  in: ({ messagesIn }) => messagesIn,
  out: ({ metrics }) => metrics.messagesOut,
  bytesIn: ({ metrics }) => metrics.bytesIn,
  bytesOut: ({ metrics }) => metrics.bytesOut,
}

/** How many looks one session takes: its rooms are looked at too. */
export function costOf({ roomCount }: Connection): number {
  return 1 + roomCount
}

/** Whether a session reads too slowly: more waits for it than is pushed at, or it is reading a log from behind. */
export function isSlow(connection: Connection, highWaterMark: number): boolean {
  return connection.peer.bufferedAmount > highWaterMark || behindOf(connection) > 0
}

/** The page of the sessions that was asked for. */
export async function listSessions(
  connections: Iterable<Connection>,
  { search, sort, descending, page, within, slow }: Query,
  highWaterMark: number,
): Promise<Page<SessionRow>> {
  const keyOf = (Object.hasOwn(KEYS, sort) ? KEYS[sort] : undefined) ?? KEYS['connected']!
  const ranking = new Ranking<Connection>(page, descending)
  const look = (connection: Connection) => {
    if (within !== undefined && connection.room(within) === undefined) return
    if (slow && !isSlow(connection, highWaterMark)) return
    if (search === '' || textOf(connection).includes(search)) ranking.add(connection, keyOf(connection))
  }
  await scan(connections, look, costOf)
  return ranking.page(rowOf)
}

/** All of one session. */
export function detailOf(connection: Connection): SessionDetail {
  const inRooms = connection.rooms.slice(0, MOST_ROOMS).map((room) => {
    return { room: room.name, position: room.subscription(connection)?.position ?? room.head, head: room.head }
  })
  return { ...rowOf(connection), inRooms }
}

function rowOf(connection: Connection): SessionRow {
  const { id, identity, peer, variant, state, connectedAt, lastReceivedAt, roomCount, metrics } = connection
  return {
    id,
    subject: identity?.subject ?? null,
    address: peer.remoteAddress,
    port: peer.remotePort,
    transport: transportOf(connection),
    codec: variant.codec.name,
    state,
    connectedAt,
    seenAt: lastReceivedAt,
    buffered: peer.bufferedAmount,
    behind: behindOf(connection),
    rooms: roomCount,
    ...metrics,
  }
}

function textOf(connection: Connection): string {
  const { id, identity, peer, variant } = connection
  const who = identity === undefined ? id : `${id} ${identity.subject}`
  return `${who} ${peer.remoteAddress}:${peer.remotePort} ${transportOf(connection)} ${variant.codec.name}`
    .toLowerCase()
}

function transportOf({ peer }: Connection): string {
  return peer.transport ?? 'websocket'
}

function behindOf(connection: Connection): number {
  if (connection.roomCount === 0) return 0
  let behind = 0
  for (const room of connection.rooms) if (room.subscription(connection)?.live === false) behind += 1
  return behind
}
