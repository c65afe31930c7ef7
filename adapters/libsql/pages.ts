import { RotundaError } from '../../src/protocol/mod.ts'
import { formatId, type StoredMessage } from '../../src/storage/mod.ts'
import type { PageQuery, PageRequest, PageRow, PageText } from './connection.ts'

// Rooms that are remembered to hold bytes.
const REMEMBERED = 1_000

/** Reads pages of whatever size, in as many pieces as the database needs. */
export class Pages {
  readonly #read: (query: PageQuery) => Promise<PageText | null>
  /** Rooms that hold bytes, '' for all rooms: the others are read by the cheaper statement, which gives text alone. */
  readonly #withBytes = new Set<string>()

  constructor(read: (query: PageQuery) => Promise<PageText | null>) {
    this.#read = read
  }

  async read(request: PageRequest): Promise<StoredMessage[]> {
    const limit = Math.min(Math.floor(request.limit), Number.MAX_SAFE_INTEGER)
    const name = request.of === 'all' ? '' : request.room
    const messages: StoredMessage[] = []
    let step = limit
    let next = request
    while (messages.length < limit) {
      const asked = { ...next, limit: Math.min(step, limit - messages.length), bytes: this.#withBytes.has(name) }
      const page = await this.#read(asked)
      if (page === null) {
        if (asked.limit === 1) {
          throw new RotundaError('store_unavailable', 'The database cannot send a message this big.')
        }
        step = Math.ceil(asked.limit / 2)
        continue
      }
      const rows = JSON.parse(page.rows) as PageRow[]
      if (!asked.bytes && rows.some(([, , , , , , payload]) => typeof payload === 'number')) {
        this.#remember(name)
        continue
      }
      // Trimmed between two pieces: who reads on from here sees the gap, in the middle of a page nobody would.
      if (next.of === 'room' && messages.length > 0 && rows[0]?.[1] !== next.after + 1) break
      addMessages(messages, rows, page.bytes, name)
      const last = rows.at(-1)
      if (last === undefined || rows.length < asked.limit) break
      if (next.of === 'newest') next = { ...next, before: last[0] }
      else next = { ...next, after: next.of === 'all' ? last[0] : last[1] }
    }
    return messages
  }

  #remember(name: string): void {
    for (const oldest of this.#withBytes) {
      if (this.#withBytes.size < REMEMBERED) break
      this.#withBytes.delete(oldest)
    }
    this.#withBytes.add(name)
  }
}

function addMessages(
  messages: StoredMessage[],
  rows: readonly PageRow[],
  bytes: ArrayBuffer | null,
  ofRoom: string,
): void {
  let at = 0
  const all = bytes ?? new ArrayBuffer(0)
  for (const [id, seq, kind, type, from, ts, value, room = ofRoom] of rows) {
    // Each has its own: who is given one must not hold, or be able to read, those of others.
    const payload = typeof value === 'string' ? value : new Uint8Array(all.slice(at, at += value))
    messages.push({ id: formatId(id), room, seq, kind, type, from, ts, payload })
  }
}
