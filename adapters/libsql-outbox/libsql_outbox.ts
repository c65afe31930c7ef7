import { type Client, createClient, type InStatement } from '@libsql/client'
import type { OutboxEntry, OutboxId, OutboxStore } from '../../src/client/mod.ts'

/** Where the database is, and whose entries these are. */
export interface LibsqlOutboxOptions {
  /** `file:` with a path, `libsql:` or `https:`. */
  readonly url: string
  readonly authToken?: string
  /** Names the one client whose entries these are, over all of its lives. Default `default`. */
  readonly owner?: string
}

/** An outbox in a database, until it is closed. */
export interface LibsqlOutbox extends OutboxStore {
  /** Finishes what is being written, and closes the database. */
  close(): Promise<void>
}

const TABLE = `create table if not exists rotunda_outbox (
  place integer primary key autoincrement,
  owner text not null,
  room text not null,
  key text not null,
  type text not null,
  payload any not null,
  traceparent text,
  unique (owner, room, key)
) strict`

const PUT = `insert into rotunda_outbox (owner, room, key, type, payload, traceparent) values (?, ?, ?, ?, ?, ?)
  on conflict do nothing`

/**
 * Keeps entries in a table `rotunda_outbox`, which it makes. One client at a time has an owner's name; if two have, each
 * may send what the other has, and their keys make it one message.
 *
 * @example
 * ```ts
 * const queue = outbox({ store: libsqlOutbox({ url: 'file:./data/outbox.db', owner: 'sensor-7' }) })
 * ```
 */
export function libsqlOutbox({ owner = 'default', ...database }: LibsqlOutboxOptions): LibsqlOutbox {
  const client: Client = createClient({ ...database, intMode: 'number' })
  let last: Promise<unknown> = client.execute(TABLE)
  // Whoever asks for something is told.
  last.catch(() => {})

  function next<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.catch(() => {})
    return result
  }

  async function write(statements: InStatement[]): Promise<void> {
    if (statements.length > 0) await client.batch(statements, 'write')
  }

  return {
    load: () =>
      next(async () => {
        const sql = 'select room, key, type, payload, traceparent from rotunda_outbox where owner = ? order by place'
        const { rows } = await client.execute({ sql, args: [owner] })
        return rows.map(({ room, key, type, payload, traceparent }) => ({
          room: room as string,
          key: key as string,
          type: type as string,
          payload: payload instanceof ArrayBuffer ? new Uint8Array(payload) : payload as string,
          ...typeof traceparent === 'string' && { traceparent },
        }))
      }),
    put: (entries: readonly OutboxEntry[]) =>
      next(() =>
        write(entries.map(({ room, key, type, payload, traceparent = null }) => {
          return { sql: PUT, args: [owner, room, key, type, payload, traceparent] }
        }))
      ),
    remove: (ids: readonly OutboxId[]) =>
      next(() =>
        write(ids.map(({ room, key }) => {
          return {
            sql: 'delete from rotunda_outbox where owner = ? and room = ? and key = ?',
            args: [owner, room, key],
          }
        }))
      ),
    close: () => next(() => Promise.resolve(client.close())),
  }
}
