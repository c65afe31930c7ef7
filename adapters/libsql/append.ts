import type { Client, InStatement } from '@libsql/client/web'
import type { Batch, Committed } from './connection.ts'

// One statement for the whole batch: half the speed is lost by a statement a message, or by a table of heads.
// The SELECT reads the table as it was before the statement, so numbering is head + position among the room's new rows.
const insert = (payload: string) => `
INSERT INTO ws_messages (room, seq, kind, type, sender, producer_key, ts, payload_json)
SELECT m.room,
  max(
    coalesce((SELECT seq FROM ws_messages x WHERE x.room = m.room ORDER BY seq DESC LIMIT 1), 0),
    coalesce((SELECT through FROM ws_trims t WHERE t.room = m.room), 0)
  ) + row_number() OVER (PARTITION BY m.room ORDER BY m.n),
  m.kind, m.type, m.sender, m.k, m.ts, m.payload
FROM (
  SELECT j.key n, j.value->>0 room, j.value->>1 kind, j.value->>2 type, j.value->>3 sender, j.value->>4 k,
    j.value->>5 ts, ${payload} payload
  FROM json_each(?1) j
) m
WHERE m.k IS NULL OR NOT EXISTS (SELECT 1 FROM ws_messages x WHERE x.room = m.room AND x.producer_key = m.k)
ORDER BY m.n`

const INSERT = insert('j.value->>6')

// A part with bytes has them in one argument. An empty one, and so every piece of it, reads as NULL.
const INSERT_BYTES = insert(
  "iif(j.value->>7 IS NULL, j.value->>6, coalesce(substr(?2, j.value->>7, j.value->>8), x''))",
)

// Costs nothing unless the statement before stored fewer than it was given.
const FIND_REPEATS = `
SELECT j.value->>0 n, x.id id, x.seq seq
FROM json_each(CASE WHEN changes() < ?2 THEN ?1 ELSE '[]' END) j
CROSS JOIN ws_messages x ON x.room = j.value->>1 AND x.producer_key = j.value->>2`

const HEADS = `
SELECT (SELECT seq FROM ws_messages x WHERE x.room = j.value ORDER BY seq DESC LIMIT 1) head FROM json_each(?1) j`

/** Stores a batch in one write transaction. */
export async function append(client: Client, { parts, rooms }: Batch): Promise<Committed> {
  const statements: InStatement[] = []
  for (const { rows, bytes, keys, count } of parts) {
    statements.push(bytes === null ? { sql: INSERT, args: [rows] } : { sql: INSERT_BYTES, args: [rows, bytes] })
    if (keys !== null) statements.push({ sql: FIND_REPEATS, args: [keys, count] })
  }
  statements.push({ sql: HEADS, args: [rooms] })
  const results = await client.batch(statements, 'write')
  const heads = results.at(-1)?.rows.map((row) => Number(row['head'])) ?? []
  const found: [number, number, number][] = []
  let stored = 0
  let last = 0
  let next = 0
  for (const { keys, count } of parts) {
    const inserted = results[next++]
    const added = inserted?.rowsAffected ?? 0
    if (added > 0) last = Number(inserted?.lastInsertRowid)
    stored += added
    const rows = keys === null ? [] : results[next++]?.rows ?? []
    if (added < count) { for (const row of rows) found.push([Number(row['n']), Number(row['id']), Number(row['seq'])]) }
  }
  const first = last - stored + 1
  // The query also finds the keys that this batch has just brought in.
  const repeats = stored === 0 ? found : found.filter(([, id]) => id < first)
  return { first, stored, repeats, heads }
}
