import type { Client } from '@libsql/client/web'
import type { RoomRow, RoomsQuery } from './connection.ts'

// From one room's first message to the next one's: as many steps in the index as there are rooms, however long they are.
// The byte FF is above, 00 below everything that can follow in a name.
const ROOMS = `
WITH RECURSIVE r (id) AS (
  SELECT (
    SELECT id FROM ws_messages
    WHERE room >= iif(?2 < ?1, ?1, ?2 || CAST(x'00' AS TEXT)) AND room < ?1 || CAST(x'ff' AS TEXT)
    ORDER BY room, seq LIMIT 1
  )
  UNION ALL
  SELECT (
    SELECT id FROM ws_messages
    WHERE room > (SELECT room FROM ws_messages WHERE id = r.id) AND room < ?1 || CAST(x'ff' AS TEXT)
    ORDER BY room, seq LIMIT 1
  ) FROM r WHERE r.id IS NOT NULL
  LIMIT ?3
)
SELECT m.room room, m.ts oldest,
  (SELECT seq FROM ws_messages x WHERE x.room = m.room ORDER BY seq DESC LIMIT 1) head,
  coalesce((SELECT through FROM ws_trims t WHERE t.room = m.room), 0) trimmed
FROM r CROSS JOIN ws_messages m ON m.id = r.id`

const TRIMMED = 'coalesce((SELECT through FROM ws_trims WHERE room = ?1), 0)'

// The seqs bound what is looked at: they have no hole.
const SEQ_BEFORE = `
SELECT coalesce(
  (SELECT seq - 1 FROM ws_messages
    WHERE room = ?1 AND seq > ${TRIMMED} AND seq <= ${TRIMMED} + ?3 AND ts >= ?2 ORDER BY seq LIMIT 1),
  (SELECT seq FROM ws_messages WHERE room = ?1 AND seq <= ${TRIMMED} + ?3 ORDER BY seq DESC LIMIT 1),
  ${TRIMMED}
) seq`

/** A page of the rooms that have messages, in the order of their names. */
export async function listRooms(client: Client, { prefix, after, limit }: RoomsQuery): Promise<RoomRow[]> {
  const { rows } = await client.execute({ sql: ROOMS, args: [prefix, after, limit] })
  return rows.map((row) => [String(row['room']), Number(row['head']), Number(row['trimmed']), Number(row['oldest'])])
}

/** Seq up to which a room's messages are older than `ts`, the first `limit` of them looked at. */
export async function seqBefore(client: Client, room: string, ts: number, limit: number): Promise<number> {
  const { rows } = await client.execute({ sql: SEQ_BEFORE, args: [room, ts, limit] })
  return Number(rows[0]?.['seq'])
}
