import type { Addition, AnyClient } from '../addition.ts'
import { Listeners } from '../listeners.ts'
import type { Settings } from '../options.ts'
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

/** A connection that broke sooner after it had opened was no good, in milliseconds. */
const STABLE = 10_000

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

  const attach = ({ calls: outbox, receiver: { report } }: AnyClient): void => {
    const { connection } = outbox
    const { clock, events } = connection
    const { open, down } = events
    const settings = connection.settings as { -readonly [K in keyof Settings]: Settings[K] }
    const { connectTimeout } = settings
    const pause = connection.pause.bind(connection)
    const becomeQuiet = quiet(outbox)
    /** The one that is used or tried, and the one with which these attempts began. */
    let index = 0
    let first = 0
    /** Whether each may fail once more before it is left. */
    const spare: boolean[] = []
    let openedAt = 0
    let cancel = () => {}

    const next = () => (index + 1) % transports.length
    /** What has never worked is left at its first failure, what has at its second in a row. */
    const failed = () => {
      if (!spare[index]) index = next()
      else spare[index] = false
    }
    const tell = (name: string | undefined) => {
      changes.tell(report, current = name)
    }
    const tryAgain = () => {
      // Never all clients at once.
      cancel = clock.after(retry * (0.5 + clock.random() / 2), () => void goBack())
      retry = Math.min(maxRetry, retry * 2)
    }
    /** Whether the first one gets through. */
    const probe = () =>
      new Promise<boolean>((resolve) => {
        const used = index
        index = 0
        const socket = connection.dial()
        index = used
        const done = (works: boolean) => {
          cancelProbe()
          socket.close()
          resolve(works)
        }
        const cancelProbe = clock.after(connectTimeout, () => done(false))
        cancel = socket.onclose = socket.onerror = () => done(false)
        socket.onmessage = () => done(true)
      })
    const goBack = async () => {
      const { welcome } = connection
      const works = await probe()
      const release = works && await becomeQuiet()
      if (connection.isOpen && connection.welcome === welcome) {
        if (works) {
          index = first = 0
          // One failure, and it is left again.
          spare[0] = false
          connection.move()
        } else tryAgain()
      }
      if (release) release()
    }
    // An attempt to connect is over, or a connection: which is the next to be tried, and when?
    connection.pause = (code, reason) => {
      if (openedAt) {
        // It broke, of which Deno says 0. With a reason it has fallen silent.
        if (!code || code === 1006) {
          if (reason || clock.now() < openedAt + STABLE) failed()
          else spare[index] = true
        }
        first = index
      } else {
        failed()
        if (index !== first) return 0
        // None of them can connect, so it is the fault of none.
        spare.length = 0
      }
      return pause(code, reason)
    }
    settings.WebSocket = function (url: string, protocols: string[]) {
      settings.connectTimeout = next() === first ? connectTimeout : patience
      return transports[index]!.open(url, protocols)
    } as unknown as Settings['WebSocket']
    events.open = (welcome) => {
      openedAt = clock.now()
      first = index
      spare[index] ??= true
      tell(transports[index]!.name)
      if (index) tryAgain()
      open(welcome)
    }
    events.down = (close) => {
      openedAt = 0
      cancel()
      if (current) tell(undefined)
      down(close)
    }
  }
  return {
    get current() {
      return current
    },
    onChange: (handler) => changes.add(handler),
    attach,
  }
}
