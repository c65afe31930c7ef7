import type { Client } from '@libsql/client/web'

const HEAD = `max(
  coalesce((SELECT seq FROM ws_messages WHERE room = ?1 ORDER BY seq DESC LIMIT 1), 0),
  coalesce((SELECT through FROM ws_trims WHERE room = ?1), 0)
)`

// The condition keeps rooms with nothing to remove out of the table.
const REMEMBER = `
INSERT INTO ws_trims (room, through) SELECT ?1, min(?2, ${HEAD}) WHERE min(?2, ${HEAD}) > 0
ON CONFLICT (room) DO UPDATE SET through = max(through, excluded.through)`

/** Removes a room's messages up to `through` in one transaction and returns how many. */
export async function trim(client: Client, room: string, through: number): Promise<number> {
  const [, removed] = await client.batch([
    { sql: REMEMBER, args: [room, through] },
    { sql: 'DELETE FROM ws_messages WHERE room = ?1 AND seq <= ?2', args: [room, through] },
  ], 'write')
  return removed?.rowsAffected ?? 0
}
