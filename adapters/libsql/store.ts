import { RotundaError } from '../../src/protocol/mod.ts'
import type { Appended, AppendMessage, MessageStore, RoomExtent, StoredMessage } from '../../src/storage/mod.ts'
import { formatId, parseId } from '../../src/storage/mod.ts'
import { prepareBatch } from './batch.ts'
import type { PageQuery, PageRow } from './connection.ts'
import { Lane, type Lasting } from './lane.ts'
import { openConnection, type Role } from './open.ts'
import { type LibsqlOptions, type LibsqlSettings, libsqlSettings } from './options.ts'
import { openWorkerConnection } from './worker_connection.ts'

// Rows removed in one transaction: commits get their turn in between.
const TRIM_STEP = 5000

/**
 * Opens a log in a libSQL database: a local file (WAL, each commit flushed) or a remote Turso or sqld, with the same
 * code. Creates the file, its folder and the tables where they are missing. Several processes may use one database.
 *
 * A file is worked on in two Web Workers where the host has them: one commits, the other, started when first needed,
 * reads, so that neither a commit nor a storm of reconnecting clients stops the event loop or the commits.
 *
 * Messages are rows of `ws_messages`; `sqlite3` can read them at any time.
 *
 * @throws {RotundaError} `invalid_config` for an option that is wrong or a file that cannot be opened, saying which
 * and what is allowed; `store_unavailable` when the database does not answer. Calls on the store reject with
 * `store_unavailable`; after such an append, the batch is perhaps stored.
 *
 * @example
 * ```ts
 * const store = await libsqlStore({ url: 'file:data/rotunda.db' })
 * const turso = await libsqlStore({ url: 'libsql://chat-me.turso.io', authToken: secret })
 * ```
 */
export async function libsqlStore(options: LibsqlOptions): Promise<MessageStore> {
  const settings = libsqlSettings(options)
  const writer = new Lane(() => open(settings, 'writer'))
  const { epoch } = await writer.connection()
  // Without workers a second connection would gain nothing.
  const reader = settings.worker ? new Lane(() => open(settings, 'reader'), epoch) : writer
  return new LibsqlStore(epoch, writer, reader)
}

function open(settings: LibsqlSettings, role: Role): Promise<Lasting> {
  return settings.worker ? openWorkerConnection(settings, role) : openConnection(settings, role)
}

class LibsqlStore implements MessageStore {
  readonly epoch: string
  #writer: Lane
  #reader: Lane
  #busy = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  constructor(epoch: string, writer: Lane, reader: Lane) {
    this.epoch = epoch
    this.#writer = writer
    this.#reader = reader
  }

  async append(messages: readonly AppendMessage[]): Promise<Appended[]> {
    if (messages.length === 0) return []
    const { batch, positions } = prepareBatch(messages)
    return positions(await this.#on(this.#writer, (connection) => connection.commit(batch)))
  }

  async listByRoom(room: string, limit: number, before?: string): Promise<StoredMessage[]> {
    return await this.#page({ of: 'newest', room, before: before === undefined ? null : parseId(before), limit })
  }

  replayRoom(room: string, after: number, limit: number): Promise<StoredMessage[]> {
    return this.#page({ of: 'room', room, after, limit })
  }

  async replayFrom(id: string, limit: number): Promise<StoredMessage[]> {
    return await this.#page({ of: 'all', after: parseId(id), limit })
  }

  async extent(room: string): Promise<RoomExtent> {
    const [head, trimmed] = await this.#on(this.#reader, (connection) => connection.extent(room))
    return { head, trimmed }
  }

  async trim(room: string, through: number): Promise<number> {
    const { head, trimmed } = await this.extent(room)
    const last = Math.min(Math.floor(through), head)
    let removed = 0
    for (let step = trimmed; step < last;) {
      step = Math.min(step + TRIM_STEP, last)
      removed += await this.#on(this.#writer, (connection) => connection.trim(room, step))
    }
    return removed
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#busy).then(async () => {
      if (this.#reader !== this.#writer) await this.#reader.close()
      await this.#writer.close()
    })
    return this.#closed
  }

  async #page(query: PageQuery): Promise<StoredMessage[]> {
    const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
    const messages: StoredMessage[] = []
    let step = limit
    let next = query
    while (messages.length < limit) {
      const asked = { ...next, limit: Math.min(step, limit - messages.length) }
      const text = await this.#on(this.#reader, (connection) => connection.page(asked))
      if (text === null) {
        if (asked.limit === 1) {
          throw new RotundaError('store_unavailable', 'The database cannot send a message this big.')
        }
        step = Math.ceil(asked.limit / 2)
        continue
      }
      const rows = JSON.parse(text) as PageRow[]
      for (const row of rows) messages.push(toMessage(row))
      const last = rows.at(-1)
      if (last === undefined || rows.length < asked.limit) break
      if (next.of === 'newest') next = { ...next, before: last[0] }
      else next = { ...next, after: next.of === 'all' ? last[0] : last[2] }
    }
    return messages
  }

  #on<T>(lane: Lane, work: (connection: Lasting) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) {
      return Promise.reject(new RotundaError('store_unavailable', 'The store is closed.'))
    }
    const connection = lane.connection()
    const result = connection instanceof Promise ? connection.then(work) : work(connection)
    this.#busy.add(result)
    const done = () => void this.#busy.delete(result)
    result.then(done, done)
    return result
  }
}

function toMessage([id, room, seq, kind, type, from, ts, payload]: PageRow): StoredMessage {
  return { id: formatId(id), room, seq, kind, type, from, ts, payload }
}
