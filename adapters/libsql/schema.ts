import { sql } from 'drizzle-orm'
import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import type { Table } from './table_types.ts'

type WsMessages = Table<'ws_messages', {
  id: { name: 'id'; is: number; key: true; generated: true }
  room: { name: 'room'; is: string }
  seq: { name: 'seq'; is: number }
  kind: { name: 'kind'; is: string }
  type: { name: 'type'; is: string }
  sender: { name: 'sender'; is: string; null: true }
  producerKey: { name: 'producer_key'; is: string; null: true }
  ts: { name: 'ts'; is: number }
  payloadJson: { name: 'payload_json'; is: string | Uint8Array }
}>

type WsTrims = Table<'ws_trims', {
  room: { name: 'room'; is: string; key: true }
  through: { name: 'through'; is: number }
}>

type WsMeta = Table<'ws_meta', {
  key: { name: 'key'; is: string; key: true }
  value: { name: 'value'; is: string }
}>

/**
 * The log: one row a durable message. `id` is the commit order of the database, `seq` the order within the room. A payload
 * of bytes is a BLOB in the column of the texts.
 */
export const wsMessages: WsMessages = sqliteTable('ws_messages', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  room: text('room').notNull(),
  seq: integer('seq').notNull(),
  kind: text('kind').notNull(),
  type: text('type').notNull(),
  sender: text('sender'),
  producerKey: text('producer_key'),
  ts: integer('ts').notNull(),
  payloadJson: text('payload_json').$type<string | Uint8Array>().notNull(),
}, (table) => [
  uniqueIndex('ws_messages_room_seq').on(table.room, table.seq),
  uniqueIndex('ws_messages_room_key').on(table.room, table.producerKey).where(sql`producer_key IS NOT NULL`),
])

/** How far a room was trimmed; a row exists only for rooms that ever were. Keeps the head from going back. */
export const wsTrims: WsTrims = sqliteTable('ws_trims', {
  room: text('room').primaryKey(),
  through: integer('through').notNull(),
})

/** What the database says about itself: `epoch` and `schema` (the version of its tables). */
export const wsMeta: WsMeta = sqliteTable('ws_meta', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
})
