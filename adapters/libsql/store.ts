import { RotundaError } from '../../src/protocol/mod.ts'
import type { Appended, AppendMessage, MessageStore, RoomExtent, StoredMessage } from '../../src/storage/mod.ts'
import { formatId, parseId } from '../../src/storage/mod.ts'
import { prepareBatch } from './batch.ts'
import type { Role } from './client_connection.ts'
import type { PageQuery, PageRow } from './connection.ts'
import { Lane, type Lasting } from './lane.ts'

// Rows removed in one transaction: commits get their turn in between.
const TRIM_STEP = 5000

/** Makes a store of what opens its connections; with a `second` one, reads do not wait for commits. */
export async function openStore(open: (role: Role) => Promise<Lasting>, second: boolean): Promise<MessageStore> {
  const writer = new Lane(() => open('writer'))
  const { epoch } = await writer.connection()
  const reader = second ? new Lane(() => open('reader'), epoch) : writer
  return new LibsqlStore(epoch, writer, reader)
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
