import type { Envelope } from '../../protocol/envelope.ts'
import type { Joined } from '../../protocol/reserved.ts'
import type { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Addition, AnyClient } from '../addition.ts'
import { Listeners } from '../listeners.ts'
import type { Receiver } from '../receiver.ts'
import type { Published } from '../types.ts'

/**
 * `queued` waits to be sent, `sent` is on its way, `durable` is committed, `failed` was refused or given up. What was
 * sent is `queued` again when the connection is lost.
 */
export type OutgoingState = 'queued' | 'sent' | 'durable' | 'failed'

/** A durable publish as its sender sees it. */
export interface OutgoingEntry {
  readonly room: string
  readonly type: string
  /** Its producer key. */
  readonly key: string
  /** As it was published; in an encrypted room as it is sent. */
  readonly payload: unknown
  readonly state: OutgoingState
  /** Where it is in the log, once it is durable. */
  readonly place?: Published | undefined
  /** Why it failed. */
  readonly error?: RotundaError | undefined
}

/** What one client has published. Made by {@link outgoing}. */
export interface OutgoingList extends Addition {
  /**
   * In the order of the calls, what failed included. A durable message of a room that is joined stays until the message
   * itself arrives: the room's log and these together show every message once.
   */
  readonly entries: readonly OutgoingEntry[]
  /** Told of an entry whenever its state has changed, and when a durable one is no longer among `entries`. */
  onChange(handler: (entry: OutgoingEntry) => unknown): () => void
  /** Forgets an entry that failed. */
  drop(entry: OutgoingEntry): void
}

type Entry = { -readonly [K in keyof OutgoingEntry]: OutgoingEntry[K] }

/**
 * Lists what a client publishes until it comes back from the log: for showing it at once. Where there is an `outbox`, it
 * comes before that, so that what is left from before is listed, too.
 *
 * @example
 * ```ts
 * const mine = outgoing()
 * const client = createClient({ url: '/ws', protocol: chat, use: [mine, outbox({ store: indexedDbOutbox() })] })
 * mine.onChange(() => draw(mine.entries))
 * ```
 */
export function outgoing(): OutgoingList {
  return new Outgoing()
}

class Outgoing implements OutgoingList {
  readonly #entries = new Set<Entry>()
  readonly #changes = new Listeners<[OutgoingEntry]>()
  /** Rooms that are joined, and up to where their messages have come. */
  readonly #seen = new Map<string, number>()
  #receiver!: Receiver

  get entries(): readonly OutgoingEntry[] {
    return [...this.#entries]
  }

  onChange(handler: (entry: OutgoingEntry) => unknown): () => void {
    return this.#changes.add(handler)
  }

  drop(entry: OutgoingEntry): void {
    if (entry.state === 'failed') this.#entries.delete(entry)
  }

  attach({ calls: wire, receiver }: AnyClient): void {
    const { connection } = wire
    const { events } = connection
    const { down, envelope: receive } = events
    const [ask, post, send] = [wire.ask.bind(wire), wire.post.bind(wire), connection.send.bind(connection)]
    this.#receiver = receiver
    wire.ask = (envelope, caller, options, again) => {
      const { type, room = '' } = envelope
      if (type === 'room.join') this.#seen.set(room, this.#seen.get(room) ?? -1)
      if (!again) return ask(envelope, caller, options, again)
      const entry = this.#add(envelope)
      const resolve = (place: unknown) => {
        caller.resolve(place)
        this.#settled(entry, place as Published)
      }
      const reject = (error: RotundaError) => {
        caller.reject(error)
        this.#tell(entry, { state: 'failed', error })
      }
      ask(envelope, { resolve, reject }, options, again)
    }
    wire.post = (envelope) => {
      if (envelope.type === 'room.leave') this.#left(envelope.room!)
      post(envelope)
    }
    connection.send = (envelope, maxBuffered) => {
      send(envelope, maxBuffered)
      const { room, key } = envelope
      if (key === undefined || !connection.isOpen) return
      for (const entry of this.#entries) {
        if (entry.state === 'queued' && entry.key === key && entry.room === room) this.#tell(entry, { state: 'sent' })
      }
    }
    events.envelope = (envelope) => {
      receive(envelope)
      const { type, room, seq = type === 'room.joined' ? (envelope.payload as Joined).cursor : undefined } = envelope
      if (seq !== undefined && this.#seen.has(room!)) this.#arrived(room!, seq)
    }
    events.down = (close) => {
      for (const entry of this.#entries) if (entry.state === 'sent') this.#tell(entry, { state: 'queued' })
      down(close)
    }
  }

  #add({ room, key, type, payload }: Envelope): Entry {
    const entry: Entry = { room: room!, key: key!, type, payload, state: 'queued' }
    this.#entries.add(entry)
    this.#tell(entry, {})
    return entry
  }

  #settled(entry: Entry, place: Published): void {
    // It has come back already, or never will.
    if ((this.#seen.get(entry.room) ?? Infinity) >= place.seq) this.#entries.delete(entry)
    this.#tell(entry, { state: 'durable', place })
  }

  #arrived(room: string, seq: number): void {
    this.#seen.set(room, seq)
    for (const entry of this.#entries) {
      if (entry.room !== room || !entry.place || entry.place.seq > seq) continue
      this.#entries.delete(entry)
      this.#tell(entry, {})
    }
  }

  #left(room: string): void {
    this.#arrived(room, Infinity)
    this.#seen.delete(room)
  }

  #tell(entry: Entry, change: Partial<OutgoingEntry>): void {
    Object.assign(entry, change)
    this.#changes.tell(this.#receiver.report, entry)
  }
}
