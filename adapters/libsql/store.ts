import { RotundaError } from '../../src/protocol/mod.ts'
import type {
  Appended,
  AppendMessage,
  ListedRoom,
  MessageStore,
  RoomExtent,
  StoredMessage,
} from '../../src/storage/mod.ts'
import { parseId } from '../../src/storage/mod.ts'
import { prepareBatch } from './batch.ts'
import type { Role } from './client_connection.ts'
import { Lane, type Lasting } from './lane.ts'
import { Pages } from './pages.ts'
import { TRIM_STEP, Trimmer } from './trimmer.ts'

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
  #pages: Pages
  #trimmer: Trimmer
  #busy = new Set<Promise<unknown>>()
  #closed: Promise<void> | undefined

  constructor(epoch: string, writer: Lane, reader: Lane) {
    this.epoch = epoch
    this.#writer = writer
    this.#reader = reader
    this.#pages = new Pages((query) => this.#on(reader, (connection) => connection.page(query)))
    this.#trimmer = new Trimmer((cuts) => this.#on(writer, (connection) => connection.trim(cuts)))
  }

  async append(messages: readonly AppendMessage[]): Promise<Appended[]> {
    if (messages.length === 0) return []
    const { batch, positions } = prepareBatch(messages)
    return positions(await this.#on(this.#writer, (connection) => connection.commit(batch)))
  }

  async listByRoom(room: string, limit: number, before?: string): Promise<StoredMessage[]> {
    return await this.#pages.read({ of: 'newest', room, before: before === undefined ? null : parseId(before), limit })
  }

  replayRoom(room: string, after: number, limit: number): Promise<StoredMessage[]> {
    return this.#pages.read({ of: 'room', room, after, limit })
  }

  async replayFrom(id: string, limit: number): Promise<StoredMessage[]> {
    return await this.#pages.read({ of: 'all', after: parseId(id), limit })
  }

  async extent(room: string): Promise<RoomExtent> {
    const [head, trimmed] = await this.#on(this.#reader, (connection) => connection.extent(room))
    return { head, trimmed }
  }

  async rooms(prefix: string, after: string, limit: number): Promise<ListedRoom[]> {
    const most = Math.min(Math.floor(limit), Number.MAX_SAFE_INTEGER)
    if (!(most > 0)) return []
    const rows = await this.#on(this.#reader, (connection) => connection.rooms({ prefix, after, limit: most }))
    return rows.map(([room, head, trimmed, oldest]) => ({ room, head, trimmed, oldest }))
  }

  seqBefore(room: string, ts: number, limit: number): Promise<number> {
    const most = Math.min(Math.max(0, Math.floor(limit)), Number.MAX_SAFE_INTEGER)
    return this.#on(this.#reader, (connection) => connection.seqBefore(room, ts, most))
  }

  async trim(room: string, through: number): Promise<number> {
    const { head, trimmed } = await this.extent(room)
    const last = Math.min(Math.floor(through), head)
    let removed = 0
    for (let step = trimmed; step < last;) {
      const rows = Math.min(TRIM_STEP, last - step)
      step += rows
      removed += await this.#trimmer.remove(room, step, rows)
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
