import { sql } from 'drizzle-orm'
import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** The log: one row a durable message. `id` is the commit order of the database, `seq` the order within the room. */
export const wsMessages = sqliteTable('ws_messages', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  room: text('room').notNull(),
  seq: integer('seq').notNull(),
  kind: text('kind').notNull(),
  type: text('type').notNull(),
  sender: text('sender'),
  producerKey: text('producer_key'),
  ts: integer('ts').notNull(),
  payloadJson: text('payload_json').notNull(),
}, (table) => [
  uniqueIndex('ws_messages_room_seq').on(table.room, table.seq),
  uniqueIndex('ws_messages_room_key').on(table.room, table.producerKey).where(sql`producer_key IS NOT NULL`),
])

/** How far a room was trimmed; a row exists only for rooms that ever were. Keeps the head from going back. */
export const wsTrims = sqliteTable('ws_trims', {
  room: text('room').primaryKey(),
  through: integer('through').notNull(),
})

/** What the database says about itself: `epoch` and `schema` (the version of its tables). */
export const wsMeta = sqliteTable('ws_meta', {
  key: text('key').primaryKey(),
  value: text('value').notNull(),
})
