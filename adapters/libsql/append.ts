import type { Client, InStatement, ResultSet } from '@libsql/client/web'
import type { Batch, Committed } from './connection.ts'

// One statement for the whole batch: half the speed is lost by a statement a message, or by a table of heads.
// The SELECT reads the table as it was before the statement, so numbering is head + position among the room's new rows.
// The LIMIT keeps SQLite from taking a value out of the JSON anew wherever the statement names it: a fifth of its time.
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
  FROM json_each(?1) j LIMIT -1
) m
WHERE m.k IS NULL OR NOT EXISTS (SELECT 1 FROM ws_messages x WHERE x.room = m.room AND x.producer_key = m.k)
ORDER BY m.n`

const INSERT = insert('j.value->>6')

// A part with bytes has them in one argument. An empty one, and so every piece of it, reads as NULL.
const INSERT_BYTES = insert(
  "iif(j.value->>7 IS NULL, j.value->>6, coalesce(substr(?2, j.value->>7, j.value->>8), x''))",
)

const FIND_REPEATS = `
SELECT ?2 + j.key n, x.id id, x.seq seq
FROM json_each(?1) j
CROSS JOIN ws_messages x ON x.room = j.value->>0 AND x.producer_key = j.value->>4
WHERE x.id < ?3`

const HEADS = `
SELECT (SELECT seq FROM ws_messages x WHERE x.room = j.value ORDER BY seq DESC LIMIT 1) head FROM json_each(?1) j`

/** Carries statements out in one write transaction. */
export type Write = (statements: InStatement[]) => Promise<ResultSet[]>

/** Stores a batch in one write transaction. */
export async function append(
  client: Client,
  { parts, rooms }: Batch,
  write: Write = (statements) => client.batch(statements, 'write'),
): Promise<Committed> {
  const inserts = parts.map(({ rows, bytes }): InStatement => {
    return bytes === null ? { sql: INSERT, args: [rows] } : { sql: INSERT_BYTES, args: [rows, bytes] }
  })
  const results = await write([...inserts, { sql: HEADS, args: [rooms] }])
  const heads = results.at(-1)?.rows.map((row) => Number(row['head'])) ?? []
  let last = 0
  let stored = 0
  for (let i = 0; i < parts.length; i++) {
    const { rowsAffected = 0, lastInsertRowid } = results[i] ?? {}
    if (rowsAffected > 0) last = Number(lastInsertRowid)
    stored += rowsAffected
  }
  const first = last - stored + 1
  const all = parts.reduce((sum, { count }) => sum + count, 0)
  // Asked for when there are any, which is rare: where a message once is, it stays.
  const repeats = stored === all ? [] : await findRepeats(write, parts, stored === 0 ? Number.MAX_SAFE_INTEGER : first)
  return { first, stored, repeats, heads }
}

/**
 * Which messages of a batch were in the log, and where: those whose id is below that of the first new one. Asked as if it
 * were written, for a replica may not have what was stored a moment ago.
 */
async function findRepeats(write: Write, parts: Batch['parts'], first: number): Promise<[number, number, number][]> {
  let before = 0
  const answers = await write(parts.map(({ rows, count }): InStatement => {
    const args = [rows, before, first]
    before += count
    return { sql: FIND_REPEATS, args }
  }))
  return answers.flatMap(({ rows }) => rows).map((row) => [Number(row['n']), Number(row['id']), Number(row['seq'])])
}
