import type { Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Addition } from '../addition.ts'
import { sizeOf } from '../connection/frames.ts'
import { InOrder } from '../in_order.ts'
import { type Caller, encode, type RequestOptions } from '../outbox.ts'
import { idOf, type OutboxEntry, type OutboxId, type OutboxStore } from './store.ts'

/** What is kept, and how much of it. */
export interface OutboxOptions {
  /** Where, such as `indexedDbOutbox()`. */
  readonly store: OutboxStore
  /** Most messages that may wait for their acks; one more is refused with `queue_full`. Default 10,000. */
  readonly maxEntries?: number
  /** Most bytes of payloads that may. Default 8 MiB. */
  readonly maxBytes?: number
}

/** Time between two looks for what others have left, in milliseconds. */
const LOOK = 10_000

/**
 * Keeps durable publishes until they are acknowledged, beyond the life of the client where its store does.
 *
 * What was left is sent first, in its order and under its keys, so that it is stored once even if it was stored already.
 * What the server refuses of it is told to the client's `onError`. After `close()` publishes reject with `closed` as
 * ever, but are kept, and sent by the next client.
 *
 * @example
 * ```ts
 * const client = createClient({ url: '/ws', protocol: chat, use: [outbox({ store: indexedDbOutbox() })] })
 * ```
 */
export function outbox(
  { store, maxEntries = 10_000, maxBytes = 8 * 1024 * 1024 }: OutboxOptions,
): Addition {
  const attach: Addition['attach'] = ({ calls: wire, receiver: { report } }) => {
    const { connection } = wire
    const { events, clock } = connection
    const { open, down } = events
    const ask = wire.ask.bind(wire)
    /** Bytes of each that is not acknowledged. */
    const sizes = new Map<string, number>()
    const order = new InOrder()
    let bytes = 0
    let loading: Promise<void> | undefined
    let cancel = () => {}

    /** What comes in one turn is written at once. */
    const together = <T>(write: (all: T[]) => Promise<void>) => {
      let items: T[] = []
      return (item: T) => {
        if (items.push(item) > 1) return
        queueMicrotask(() => {
          write(items).catch(report)
          items = []
        })
      }
    }
    const put = together<OutboxEntry>((entries) => store.put(entries))
    const remove = together<OutboxId>((ids) => store.remove(ids))

    const count = (id: string, size: number) => {
      sizes.set(id, size)
      bytes += size
    }
    const send = (entry: OutboxEntry, caller: Caller, options?: RequestOptions) => {
      const { room, key, payload } = entry
      const settle = async (code?: string) => {
        // What is settled while the store is being read may have been read with the rest.
        await loading
        const id = idOf(entry)
        bytes -= sizes.get(id) ?? 0
        sizes.delete(id)
        // What a closed client had to send is for the next one.
        if (code !== 'closed') remove({ room, key })
      }
      const resolve = (answer: unknown) => {
        void settle()
        caller.resolve(answer)
      }
      const reject = (error: RotundaError) => {
        void settle(error.code)
        caller.reject(error)
      }
      const envelope = { ...entry, payload: typeof payload === 'string' ? JSON.parse(payload) : payload } as Envelope
      ask(envelope, { resolve, reject }, options, true)
    }
    const load = async () => {
      try {
        for (const entry of await store.load()) {
          const id = idOf(entry)
          if (sizes.has(id)) continue
          count(id, sizeOf(entry.payload))
          send(entry, {
            resolve() {},
            reject: (error) => error.code === 'closed' || report(error, entry as Partial<Envelope>),
          })
        }
      } catch (error) {
        report(error)
      }
      loading = undefined
    }
    const look = () => {
      loading ??= load()
      // Others may leave something at any time.
      cancel = clock.after(LOOK, look)
    } // What is durable is counted here.
    ;(connection.settings as { maxQueue: number }).maxQueue += maxEntries
    wire.ask = (envelope, caller, options, again) => {
      if (!again || wire.isEnded) return ask(envelope, caller, options, again)
      const entry = { ...encode(envelope) } as OutboxEntry
      const id = idOf(entry)
      const size = sizeOf(entry.payload)
      if (!sizes.has(id)) {
        if (sizes.size >= maxEntries || bytes + size > maxBytes) {
          return caller.reject(new RotundaError('queue_full', 'The outbox is full.'))
        }
        count(id, size)
        put(entry)
      }
      order.add(() => loading, () => send(entry, caller, options), (error) => caller.reject(error as RotundaError))
    }
    events.open = (welcome) => {
      cancel()
      open(welcome)
      if (connection.isOpen) look()
    }
    events.down = (close) => {
      cancel()
      down(close)
    }
    loading = load()
  }
  return { attach }
}
