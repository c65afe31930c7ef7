import type { Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Addition, AnyClient } from '../addition.ts'
import { sizeOf } from '../connection/frames.ts'
import { Listeners } from '../listeners.ts'
import { type Caller, encode, type Outbox as Wire } from '../outbox.ts'
import type { Settings } from '../options.ts'
import type { Receiver } from '../receiver.ts'
import type { Published } from '../types.ts'
import { memoryOutbox } from './memory_outbox.ts'
import type { Outgoing } from './outgoing.ts'
import { idOf, type OutboxEntry, type OutboxStore } from './store.ts'
import { Writer } from './writer.ts'

/** What is kept, and how much of it. */
export interface OutboxOptions {
  /** Where. Default: in memory, for as long as this outbox. */
  readonly store?: OutboxStore
  /** Most messages that may wait for their acks. Default 10,000. */
  readonly maxEntries?: number
  /** Most bytes of payloads that may. Default 8 MiB. */
  readonly maxBytes?: number
}

type Tracked = { -readonly [K in keyof Outgoing]: Outgoing[K] } & { readonly bytes: number }

/**
 * Keeps durable publishes until they are acknowledged, beyond the life of the client where its store does, and shows how
 * each of them stands.
 *
 * What was left is sent first, in its order and under its keys, so that it is stored once even if it was stored already.
 *
 * @example
 * ```ts
 * const queue = outbox({ store: indexedDbOutbox() })
 * const client = createClient({ url: '/ws', protocol: chat, use: [queue] })
 * queue.onChange(({ key, state }) => console.log(key, state))
 * ```
 */
export function outbox(options: OutboxOptions = {}): Outbox {
  return new Outbox(options)
}

/** What one client has to send. Made by {@link outbox}. */
export class Outbox implements Addition {
  readonly #options: OutboxOptions
  readonly #tracked = new Map<string, Tracked>()
  readonly #changes = new Listeners<[Outgoing]>()
  /** Rooms that are joined, and up to where their messages have come. */
  readonly #seen = new Map<string, number>()
  #wire!: Wire
  #receiver!: Receiver
  #writer!: Writer
  #ask!: Wire['ask']
  #bytes = 0
  #waiting = 0
  /** What comes after the entries that are being loaded. */
  #held: (() => void)[] | undefined

  /** @internal */
  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /**
   * What was published and has not come back from the log: in the order of the calls, what failed included. A durable
   * message of a room that is joined stays until the room's handlers get it, so that the log and these together show
   * every message once.
   */
  get entries(): readonly Outgoing[] {
    return [...this.#tracked.values()]
  }

  /** Told of an entry whenever its state has changed, and when a durable one is no longer among `entries`. */
  onChange(handler: (entry: Outgoing) => unknown): () => void {
    return this.#changes.add(handler)
  }

  /** Forgets an entry that failed. */
  drop(entry: Outgoing): void {
    const tracked = this.#tracked.get(idOf(entry))
    if (tracked?.state === 'failed') this.#tracked.delete(idOf(tracked))
  }

  /** @internal */
  attach({ calls: { outbox: wire }, receiver }: AnyClient): void {
    const { connection } = wire
    const { events } = connection
    const settings = connection.settings as { -readonly [K in keyof Settings]: Settings[K] }
    const { open, down, envelope: receive } = events
    const { maxEntries = 10_000, store = memoryOutbox() } = this.#options
    const [ask, post, send] = [wire.ask.bind(wire), wire.post.bind(wire), connection.send.bind(connection)]
    this.#wire = wire
    this.#receiver = receiver
    this.#ask = ask
    this.#writer = new Writer(store, receiver.report)
    // What is durable is counted here.
    settings.maxQueue += maxEntries
    wire.ask = (envelope, caller, options, again) => {
      if (envelope.type === 'room.join') this.#seen.set(envelope.room!, this.#seen.get(envelope.room!) ?? -1)
      if (!again || wire.isEnded) ask(envelope, caller, options, again)
      else this.#take(envelope, caller, options)
    }
    wire.post = (envelope) => {
      if (envelope.type === 'room.leave') this.#left(envelope.room!)
      post(envelope)
    }
    connection.send = (envelope, maxBuffered) => {
      send(envelope, maxBuffered)
      const entry = this.#find(envelope)
      if (entry?.state === 'queued' && connection.isOpen) this.#tell(entry, { state: 'sent' })
    }
    events.envelope = (envelope) => {
      receive(envelope)
      const { room, seq } = envelope
      if (seq !== undefined && this.#seen.has(room!)) this.#arrived(room!, seq)
    }
    events.open = (welcome) => {
      open(welcome)
      void this.#load()
    }
    events.down = (close) => {
      for (const entry of this.#tracked.values()) if (entry.state === 'sent') this.#tell(entry, { state: 'queued' })
      down(close)
    }
    void this.#load()
  }

  #take(envelope: Envelope, caller: Caller, options: Parameters<Wire['ask']>[2]): void {
    const { maxEntries = 10_000, maxBytes = 8 * 1024 * 1024 } = this.#options
    const { payload } = encode(envelope)
    const bytes = sizeOf(payload)
    if (this.#waiting >= maxEntries || this.#bytes + bytes > maxBytes) {
      const what = this.#waiting >= maxEntries ? `${maxEntries} messages` : `${maxBytes} bytes`
      return caller.reject(new RotundaError('queue_full', `The outbox holds ${what}, and no more.`))
    }
    if (!this.#find(envelope)) this.#writer.put(toEntry(envelope, payload))
    const go = (given: Envelope) => this.#send(given, bytes, caller, options)
    if (this.#held) this.#held.push(go.bind(this, { ...envelope, payload: fromText(payload) }))
    else go(envelope)
    if (this.#held) this.#track(envelope, bytes)
  }

  #send(envelope: Envelope, bytes: number, caller: Caller, options?: Parameters<Wire['ask']>[2]): void {
    const entry = this.#track(envelope, bytes)
    this.#ask(
      envelope,
      {
        resolve: (payload) => {
          this.#settled(entry, { state: 'durable', place: payload as Published })
          caller.resolve(payload)
        },
        reject: (error) => {
          // What a closed client had to send is for the next one.
          if (error.code === 'closed') this.#forget(entry)
          else this.#settled(entry, { state: 'failed', error })
          caller.reject(error)
        },
      },
      options,
      true,
    )
  }

  #track(envelope: Envelope, bytes: number): Tracked {
    const known = this.#find(envelope)
    if (known) return known
    const { room, key, type, payload } = envelope
    const entry: Tracked = { room: room!, key: key!, type, payload, state: 'queued', bytes }
    this.#tracked.set(idOf(entry), entry)
    this.#waiting += 1
    this.#bytes += bytes
    this.#tell(entry, {})
    return entry
  }

  async #load(): Promise<void> {
    if (this.#held) return
    const held: (() => void)[] = this.#held = []
    try {
      for (const { payload, ...rest } of await this.#writer.load()) {
        const envelope = { ...rest, payload: fromText(payload) } as Envelope
        if (this.#find(envelope) || this.#wire.isEnded) continue
        const reject = (error: RotundaError) => {
          if (error.code !== 'closed') this.#receiver.report(error, envelope)
        }
        this.#send(envelope, sizeOf(payload), { resolve() {}, reject })
      }
    } catch (error) {
      this.#receiver.report(error)
    }
    this.#held = undefined
    for (const go of held) go()
  }

  #find({ room, key }: { readonly room?: string; readonly key?: string }): Tracked | undefined {
    const entry = key && room && this.#tracked.get(idOf({ room, key })) || undefined
    return entry?.state === 'failed' ? undefined : entry
  }

  #settled(entry: Tracked, change: Partial<Outgoing>): void {
    if (entry.state === 'durable') return
    this.#writer.remove(entry)
    const { room, place } = { ...entry, ...change }
    // It has come back already, or never will.
    if (place && (this.#seen.get(room) ?? Infinity) >= place.seq) this.#forget(entry)
    else this.#uncount(entry)
    this.#tell(entry, change)
  }

  #forget(entry: Tracked): void {
    this.#tracked.delete(idOf(entry))
    this.#uncount(entry)
  }

  #uncount({ state, bytes }: Tracked): void {
    if (state === 'durable' || state === 'failed') return
    this.#waiting -= 1
    this.#bytes -= bytes
  }

  #arrived(room: string, seq: number): void {
    this.#seen.set(room, seq)
    for (const entry of this.#tracked.values()) {
      if (entry.room !== room || !entry.place || entry.place.seq > seq) continue
      this.#forget(entry)
      this.#tell(entry, {})
    }
  }

  #left(room: string): void {
    this.#arrived(room, Infinity)
    this.#seen.delete(room)
  }

  #tell(entry: Tracked, change: Partial<Outgoing>): void {
    Object.assign(entry, change)
    this.#changes.tell(this.#receiver.report, entry)
  }
}

function toEntry({ room, key, type, traceparent }: Envelope, payload: OutboxEntry['payload']): OutboxEntry {
  return { room: room!, key: key!, type, payload, ...traceparent && { traceparent } }
}

function fromText(payload: OutboxEntry['payload']): unknown {
  return typeof payload === 'string' ? JSON.parse(payload) : payload
}
