import type { Addition, AnyClient } from '../addition.ts'
import { Listeners } from '../listeners.ts'
import type { Settings } from '../options.ts'
import { chooser, type ChosenSocket } from './chooser.ts'
import { probe, type ProbedSocket } from './probe.ts'
import { quiet } from './quiet.ts'
import type { Transport } from './transport.ts'

/** How to choose among transports. Times in milliseconds. */
export interface FallbackOptions {
  /** How long one may take until the server's welcome while there is another to try. Default 3,000. */
  readonly patience?: number
  /** Pause before the first one is tried again while another is in use; it doubles each time. Default 5,000. */
  readonly retry?: number
  /** The longest such pause. Default 300,000. */
  readonly maxRetry?: number
}

/** The transports of one client. Made by {@link fallback}. */
export interface Fallback extends Addition {
  /** The name of the transport that is in use; undefined while there is no connection. */
  readonly current: string | undefined
  /** Told whenever `current` has changed. */
  onChange(handler: (current: string | undefined) => unknown): () => void
}

/** A request of the server to connect again at once. */
const MOVE = '{"type":"session.drain","payload":{"window":0}}'

/**
 * Connects over the first of some transports that gets through, and goes back to the first one when that does again.
 * Given one transport it uses no other.
 *
 * Changing over is a reconnect to the client, only without a pause: rooms go on from their cursors, so no message is lost
 * or repeated, and it waits for a moment in which no request is on its way. The session is another one.
 *
 * @example
 * ```ts
 * const transports = fallback([webSocket(), sse(), longPolling()])
 * const client = createClient({ url: '/ws', protocol: chat, use: [transports] })
 * transports.onChange((name) => console.log(`connected over ${name}`))
 * ```
 */
export function fallback(
  transports: readonly [Transport, ...Transport[]],
  { patience = 3_000, retry = 5_000, maxRetry = 300_000 }: FallbackOptions = {},
): Fallback {
  const changes = new Listeners<[string | undefined]>()
  let current: string | undefined

  const attach = ({ calls: { outbox }, receiver }: AnyClient): void => {
    const { connection } = outbox
    const { clock, events } = connection
    const settings = connection.settings as { -readonly [K in keyof Settings]: Settings[K] }
    const { interval, timeout } = settings.heartbeat
    const { frame } = events
    const becomeQuiet = quiet(outbox)
    /** Is another object for every connection. */
    let stay: object | undefined
    let isProbing = false
    let socket: ChosenSocket
    /** Is there for the next attempt to connect. */
    let ready: ProbedSocket | undefined
    let release: (() => void) | undefined
    let cancel = () => {}

    const tell = (name: string | undefined) => {
      changes.tell(receiver.report, current = name)
    }
    const tryAgain = () => {
      // Never all clients at once.
      cancel = clock.after(retry * (0.5 + clock.random() / 2), () => void move())
      retry = Math.min(maxRetry, retry * 2)
    }
    const drop = () => {
      ready?.socket.close()
      ready = undefined
      release?.()
      release = undefined
    }
    /** Goes back to the first transport where that gets through. */
    const move = async () => {
      const now = stay
      isProbing = true
      const probing = probe(connection)
      isProbing = false
      const probed = await probing
      const works = probed.frames[0] && !probed.isClosed
      if (works && now === stay) release = await becomeQuiet()
      ready = probed
      if (works && now === stay) return socket.onmessage!({ data: MOVE })
      drop()
      if (now === stay) tryAgain()
    }
    const choose = chooser({
      transports,
      clock,
      patience,
      silence: interval ? interval + timeout * 0.9 : Infinity,
      opened(index) {
        stay = {}
        tell(transports[index]!.name)
        if (index) tryAgain()
      },
      ended() {
        stay = undefined
        cancel()
        tell(undefined)
        // Where the client did not come for it.
        queueMicrotask(drop)
      },
    })
    settings.connectTimeout += patience * (transports.length - 1)
    settings.WebSocket = function (url: string, protocols: string[]) {
      if (isProbing) return transports[0].open(url, protocols)
      socket = choose(url, protocols, ready)
      if (ready) {
        ready = undefined
        drop()
      }
      return socket
    } as unknown as Settings['WebSocket']
    // That one is of our own.
    events.frame = (data) => data === MOVE || frame(data)
  }
  return {
    get current() {
      return current
    },
    onChange: (handler) => changes.add(handler),
    attach,
  }
}
