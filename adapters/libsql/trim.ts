import type { Client } from '@libsql/client/web'
import type { Cut } from './connection.ts'

const HEAD = `max(
  coalesce((SELECT seq FROM ws_messages WHERE room = ?1 ORDER BY seq DESC LIMIT 1), 0),
  coalesce((SELECT through FROM ws_trims WHERE room = ?1), 0)
)`

// The condition keeps rooms with nothing to remove out of the table.
const REMEMBER = `
INSERT INTO ws_trims (room, through) SELECT ?1, min(?2, ${HEAD}) WHERE min(?2, ${HEAD}) > 0
ON CONFLICT (room) DO UPDATE SET through = max(through, excluded.through)`

const REMOVE = 'DELETE FROM ws_messages WHERE room = ?1 AND seq <= ?2'

/** Removes rooms' messages, each up to its seq, in one transaction and returns how many of each. */
export async function trim(client: Client, cuts: readonly Cut[]): Promise<number[]> {
  const statements = cuts.flatMap(([room, through]) => {
    const args = [room, through]
    return [{ sql: REMEMBER, args }, { sql: REMOVE, args }]
  })
  const results = await client.batch(statements, 'write')
  return cuts.map((_, i) => results[2 * i + 1]?.rowsAffected ?? 0)
}
