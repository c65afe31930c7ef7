import type { Payload } from '../protocol/payload.ts'
import { SortedNames } from './sorted_names.ts'
import type { Appended, AppendMessage, ListedRoom, MessageStore, RoomExtent, StoredMessage } from './store.ts'
import { formatId, parseId } from './store.ts'

interface Room {
  /** Messages `base + 1` to head, oldest first; those up to `trimmed` are only there until the array is compacted. */
  messages: StoredMessage[]
  base: number
  trimmed: number
  readonly byKey: Map<string, StoredMessage>
  /** The keys of `byKey` by seq, to forget them when their message is trimmed. */
  readonly keyOf: Map<number, string>
}

/**
 * A log in memory, for tests and for servers whose rooms need not survive them. Behaves as every store does, with a
 * new epoch each time. Grows until rooms are trimmed.
 *
 * @example
 * ```ts
 * const hub = createHub({ protocol, store: memoryStore() })
 * ```
 */
export function memoryStore(): MessageStore {
  return new MemoryStore()
}

class MemoryStore implements MessageStore {
  readonly epoch = crypto.randomUUID()
  #rooms = new Map<string, Room>()
  #names = new SortedNames()
  /** Every room's messages by id; may hold trimmed ones, never more than it holds others. */
  #all: StoredMessage[] = []
  #trimmed = 0
  #lastId = 0
  #closed = false

  append(messages: readonly AppendMessage[]): Promise<Appended[]> {
    return this.#run(() => messages.map((message) => this.#appendOne(message)))
  }

  listByRoom(name: string, limit: number, before?: string): Promise<StoredMessage[]> {
    return this.#run(() => {
      const end = before === undefined ? undefined : formatId(parseId(before))
      const room = this.#rooms.get(name)
      if (room === undefined) return []
      const { messages } = room
      const stop = end === undefined ? messages.length : firstFrom(messages, end)
      const start = Math.max(stop - count(limit), room.trimmed - room.base)
      return messages.slice(start, Math.max(start, stop)).reverse().map(given)
    })
  }

  replayRoom(name: string, after: number, limit: number): Promise<StoredMessage[]> {
    return this.#run(() => {
      const room = this.#rooms.get(name)
      if (room === undefined) return []
      const start = Math.max(after, room.trimmed) - room.base
      return room.messages.slice(start, start + count(limit)).map(given)
    })
  }

  replayFrom(id: string, limit: number): Promise<StoredMessage[]> {
    return this.#run(() => {
      const page: StoredMessage[] = []
      const most = count(limit)
      for (let i = firstFrom(this.#all, formatId(parseId(id) + 1)); i < this.#all.length && page.length < most; i++) {
        const message = this.#all[i]!
        if (this.#kept(message)) page.push(given(message))
      }
      return page
    })
  }

  extent(name: string): Promise<RoomExtent> {
    return this.#run(() => {
      const room = this.#rooms.get(name)
      return room === undefined ? { head: 0, trimmed: 0 } : { head: headOf(room), trimmed: room.trimmed }
    })
  }

  rooms(prefix: string, after: string, limit: number): Promise<ListedRoom[]> {
    return this.#run(() => {
      const listed: ListedRoom[] = []
      if (count(limit) === 0) return listed
      for (const name of this.#names.from(prefix, after)) {
        const room = this.#rooms.get(name)!
        const oldest = room.messages[room.trimmed - room.base]
        if (oldest === undefined) continue
        listed.push({ room: name, head: headOf(room), trimmed: room.trimmed, oldest: oldest.ts })
        if (listed.length >= count(limit)) break
      }
      return listed
    })
  }

  seqBefore(name: string, ts: number, limit: number): Promise<number> {
    return this.#run(() => {
      const room = this.#rooms.get(name)
      if (room === undefined) return 0
      const last = Math.min(headOf(room), room.trimmed + count(limit))
      let seq = room.trimmed
      while (seq < last && room.messages[seq - room.base]!.ts < ts) seq++
      return seq
    })
  }

  trim(name: string, through: number): Promise<number> {
    return this.#run(() => {
      const room = this.#rooms.get(name)
      if (room === undefined) return 0
      const last = Math.min(Math.floor(through), headOf(room))
      const removed = Math.max(0, last - room.trimmed)
      if (removed === 0) return 0
      for (let seq = room.trimmed + 1; seq <= last; seq++) {
        const key = room.keyOf.get(seq)
        if (key === undefined) continue
        room.keyOf.delete(seq)
        room.byKey.delete(key)
      }
      room.trimmed = last
      // Halving makes the copying of what stays cost no more than what was once appended.
      if ((room.trimmed - room.base) * 2 >= room.messages.length) {
        room.messages = room.messages.slice(room.trimmed - room.base)
        room.base = room.trimmed
      }
      this.#trimmed += removed
      if (this.#trimmed * 2 >= this.#all.length) {
        this.#all = this.#all.filter((message) => this.#kept(message))
        this.#trimmed = 0
      }
      return removed
    })
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  #appendOne({ room: name, kind, type, from, key, ts, payload }: AppendMessage): Appended {
    let room = this.#rooms.get(name)
    if (room === undefined) {
      room = { messages: [], base: 0, trimmed: 0, byKey: new Map(), keyOf: new Map() }
      this.#rooms.set(name, room)
      this.#names.add(name)
    }
    const first = key === null ? undefined : room.byKey.get(key)
    if (first !== undefined) return { id: first.id, seq: first.seq, repeat: true }
    const id = formatId(++this.#lastId)
    const seq = headOf(room) + 1
    const message: StoredMessage = { id, room: name, seq, kind, type, from, ts, payload: copy(payload) }
    room.messages.push(message)
    this.#all.push(message)
    if (key !== null) {
      room.byKey.set(key, message)
      room.keyOf.set(seq, key)
    }
    return { id, seq, repeat: false }
  }

  #kept(message: StoredMessage): boolean {
    return message.seq > (this.#rooms.get(message.room)?.trimmed ?? 0)
  }

  // At once, and what it throws is a rejection.
  #run<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#closed) throw new Error('The store is closed.')
      resolve(work())
    })
  }
}

/** A message as it is given out: what is done to it leaves the log as it is. */
function given(message: StoredMessage): StoredMessage {
  return { ...message, payload: copy(message.payload) }
}

function copy(payload: Payload): Payload {
  // Not `slice`, which of a Buffer gives a view.
  return typeof payload === 'string' ? payload : new Uint8Array(payload)
}

function headOf(room: Room): number {
  return room.base + room.messages.length
}

function count(limit: number): number {
  return limit > 0 ? Math.floor(limit) : 0
}

/** Index of the first message whose id is not before `id`. */
function firstFrom(messages: readonly StoredMessage[], id: string): number {
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (messages[middle]!.id < id) low = middle + 1
    else high = middle
  }
  return low
}
