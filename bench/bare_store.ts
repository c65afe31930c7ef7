// The limits of what is durable: the store without a hub, and the database without the store.
import { createClient } from '@libsql/client/sqlite3'
import { libsqlStore } from '../adapters/libsql/mod.ts'
import type { AppendMessage } from '../src/storage/mod.ts'
import { PAYLOAD } from './support/messages.ts'
import { expose, startedWith } from './support/remote.ts'
import { type Usage, usage } from './support/usage.ts'

const { url } = startedWith<{ url: string }>()
const store = await libsqlStore({ url })
let made = 0

/** Messages as those of the load arrive, already accepted: 50 of one publisher, then 50 of the next. */
function batchOf(size: number, rooms: readonly string[]): AppendMessage[] {
  const from = '00000000-0000-0000-0000-000000000000'
  const ts = Date.now()
  return Array.from({ length: size }, () => {
    const run = Math.floor(made / 50)
    const publisher = run % 100
    const number = Math.floor(run / 100) * 50 + made++ % 50
    const key = `p${publisher}:${String(number).padStart(10, '0')}`
    return {
      room: rooms[publisher % rooms.length]!,
      kind: 'event',
      type: 'chat.message',
      from,
      key,
      ts,
      payload: PAYLOAD,
    }
  })
}

const commands = {
  usage: (): Usage => usage(),

  /** Messages stored in so many seconds, one batch of the given size after the other. */
  async append({ size, rooms, seconds }: { size: number; rooms: string[]; seconds: number }) {
    // Made while the batch before is being stored, so that making them costs the store nothing.
    let next = batchOf(size, rooms)
    let count = 0
    const started = performance.now()
    while (performance.now() - started < seconds * 1000) {
      const storing = store.append(next)
      next = batchOf(size, rooms)
      await storing
      count += size
    }
    return { count, seconds: (performance.now() - started) / 1000 }
  },

  /** Milliseconds of each of so many appends of one message. */
  async lone({ count, room }: { count: number; room: string }): Promise<number[]> {
    const times: number[] = []
    for (let i = 0; i < count; i++) {
      const batch = batchOf(1, [room])
      const started = performance.now()
      await store.append(batch)
      times.push(performance.now() - started)
    }
    return times
  },

  /** Makes a room of so many messages by SQL alone. */
  async fill({ room, count }: { room: string; count: number }): Promise<void> {
    const client = createClient({ url })
    await client.execute({
      sql: `WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?2)
        INSERT INTO ws_messages (room, seq, kind, type, sender, ts, payload_json)
        SELECT ?1, seq, 'event', 'chat.message', ?3, 1790000000000, ?4 FROM n`,
      args: [room, count, '00000000-0000-0000-0000-000000000000', PAYLOAD],
    })
    client.close()
  },

  epoch: (): string => store.epoch,

  /** Seconds that a plain SELECT of a room's messages takes. */
  async select({ room, count }: { room: string; count: number }): Promise<number> {
    const client = createClient({ url })
    const started = performance.now()
    const { rows } = await client.execute({
      sql: `SELECT id, room, seq, kind, type, sender, ts, payload_json FROM ws_messages WHERE room = ? ORDER BY seq`,
      args: [room],
    })
    const seconds = (performance.now() - started) / 1000
    if (rows.length !== count) throw new Error(`The room has ${rows.length} messages, not ${count}.`)
    client.close()
    return seconds
  },
}
export type BareStoreCommands = typeof commands
expose(commands)
