import { and, asc, desc, eq, fillPlaceholders, gt, lte, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql/web'
import type { Client } from '@libsql/client/web'
import type { PageQuery, PageText } from './connection.ts'
import { wsMessages, wsTrims } from './schema.ts'

const room = sql.placeholder('room')
const limit = sql.placeholder('limit')
const after = sql.placeholder('after')
const before = sql.placeholder('before')

const BELOW = sql`(SELECT id FROM ws_messages WHERE room = ${room} AND seq = (lo + hi + 1) / 2) < ${before}`

// The seq to read back from. When the message named is of another room or gone, seqs are searched by halving: ids
// rise with them, and an index for this rare case would cost every commit.
const SEQ_BEFORE = sql`coalesce(
  (SELECT seq - 1 FROM ws_messages WHERE id = ${before} AND room = ${room}),
  (WITH RECURSIVE span (lo, hi) AS (
    SELECT coalesce((SELECT through FROM ws_trims WHERE room = ${room}), 0),
      coalesce((SELECT seq FROM ws_messages WHERE room = ${room} ORDER BY seq DESC LIMIT 1), 0)
    UNION ALL
    SELECT iif(${BELOW}, (lo + hi + 1) / 2, lo), iif(${BELOW}, hi, (lo + hi + 1) / 2 - 1) FROM span WHERE lo < hi
  ) SELECT max(lo) FROM span))`

/** The prepared reads of one database. */
export interface Reads {
  page(query: PageQuery): Promise<PageText>
  extent(room: string): Promise<readonly [number, number]>
}

/** Prepares the reads of one database. */
export function prepareReads(client: Client): Reads {
  const db = drizzle({ client })
  const page = (where: SQL | undefined, order: SQL, ofAll = false) => {
    const { id, room, seq, kind, type, sender, ts, payloadJson } = wsMessages
    const m = db.select({ id, room, seq, kind, type, sender, ts, payloadJson }).from(wsMessages)
      .where(where).orderBy(order).limit(limit).as('m')
    // Only bytes are not below the empty ones. Told by a comparison, since a function call a row would be felt, and never
    // handed to json_array, which takes some bytes for JSON of its own binary form.
    const isBytes = sql`${m.payloadJson} >= x''`
    const payload = sql`iif(${isBytes}, length(${m.payloadJson}), ${m.payloadJson})`
    const columns = sql`${m.id}, ${m.seq}, ${m.kind}, ${m.type}, ${m.sender}, ${m.ts}, ${payload}`
    const rows = sql<string>`json_group_array(json_array(${ofAll ? sql`${columns}, ${m.room}` : columns}))`
    // As text on the way, of which no character is looked at.
    const bytes = sql`CAST(group_concat(${m.payloadJson}, '') FILTER (WHERE ${isBytes}) AS BLOB)`
    return {
      texts: db.select({ rows: rows.as('rows') }).from(m).prepare(),
      all: db.select({ rows: rows.as('rows'), bytes: bytes.as('bytes') }).from(m).prepare().getQuery(),
    }
  }
  const inRoom = eq(wsMessages.room, room)
  const newest = page(inRoom, desc(wsMessages.seq))
  const newestBefore = page(and(inRoom, lte(wsMessages.seq, SEQ_BEFORE)), desc(wsMessages.seq))
  const ofRoom = page(and(inRoom, gt(wsMessages.seq, after)), asc(wsMessages.seq))
  const ofAll = page(gt(wsMessages.id, after), asc(wsMessages.id), true)

  const trimmed = sql<number>`coalesce((${
    db.select({ through: wsTrims.through }).from(wsTrims).where(eq(wsTrims.room, room))
  }), 0)`
  const head = sql<number>`coalesce((${
    db.select({ seq: wsMessages.seq }).from(wsMessages).where(inRoom).orderBy(desc(wsMessages.seq)).limit(1)
  }), 0)`
  const extent = db.select({ head, trimmed }).from(sql`(SELECT 1)`).prepare()

  const statementFor = (query: PageQuery) => {
    if (query.of === 'room') return ofRoom
    if (query.of === 'all') return ofAll
    return query.before === null ? newest : newestBefore
  }
  return {
    page: async (query) => {
      const { texts, all } = statementFor(query)
      if (!query.bytes) return { rows: (await texts.get({ ...query }))?.rows ?? '[]', bytes: null }
      // Past drizzle, which takes bytes for text where the host has no Buffer.
      const { rows } = await client.execute({
        sql: all.sql,
        args: fillPlaceholders(all.params, { ...query }) as (string | number)[],
      })
      return { rows: rows[0]?.['rows'] as string, bytes: rows[0]?.['bytes'] as ArrayBuffer | null }
    },
    extent: async (room) => {
      const row = await extent.get({ room })
      const through = row?.trimmed ?? 0
      return [Math.max(row?.head ?? 0, through), through]
    },
  }
}
