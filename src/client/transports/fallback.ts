import type { Addition, AnyClient } from '../addition.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Connection } from '../connection/connection.ts'
import { Listeners } from '../listeners.ts'
import type { Settings } from '../options.ts'
import type { Receiver } from '../receiver.ts'
import { type Attempt, FallbackSocket, type ReadySocket } from './fallback_socket.ts'
import { probe } from './probe.ts'
import { Quiet } from './quiet.ts'
import { readMemory } from './memory.ts'
import { Record } from './record.ts'
import type { Transport, TransportSocket } from './transport.ts'

/** How to choose among transports. Times in milliseconds. */
export interface FallbackOptions {
  /** How long one may take until the server's welcome while there is another to try. Default 3,000. */
  readonly patience?: number
  /** Pause before the first one is tried again while another is in use; it doubles each time. Default 5,000. */
  readonly retry?: number
  /** The longest such pause. Default 300,000. */
  readonly maxRetry?: number
}

/** How long a connection is kept for a client that was told of it, in milliseconds. */
const UNCLAIMED = 1_000
const MOVE = '{"type":"session.drain","payload":{"window":0}}'

/**
 * Connects over the first of some transports that gets through, and goes back to the first one when that does again.
 * Given one transport it uses no other.
 *
 * Changing over is a reconnect to the client, only without a pause: rooms go on from their cursors, so no message is lost
 * or repeated, and it waits for a moment in which no call is on its way. The session is another one.
 *
 * @throws {RotundaError} `invalid_config` for none.
 * @example
 * ```ts
 * const transports = fallback([webSocket(), sse(), longPolling()])
 * const client = createClient({ url: '/ws', protocol: chat, use: [transports] })
 * transports.onChange((name) => console.log(`connected over ${name}`))
 * ```
 */
export function fallback(transports: readonly Transport[], options: FallbackOptions = {}): Fallback {
  if (transports.length > 0) return new Fallback(transports, options)
  throw new RotundaError('invalid_config', 'fallback needs a transport.')
}

/** The transports of one client. Made by {@link fallback}. */
export class Fallback implements Addition {
  readonly #transports: readonly Transport[]
  readonly #options: FallbackOptions
  readonly #changes = new Listeners<[string | undefined]>()
  #connection!: Connection
  #settings!: { -readonly [K in keyof Settings]: Settings[K] }
  #receiver!: Receiver
  #attempt!: Attempt
  #quiet!: Quiet
  #name: string | undefined
  #socket: FallbackSocket | undefined
  /** Whether the socket that is asked for is not to be the client's. */
  #isProbing = false
  #ready: ReadySocket | undefined
  #pause = 0
  #cancel = () => {}

  /** @internal */
  constructor(transports: readonly Transport[], options: FallbackOptions) {
    this.#transports = transports
    this.#options = options
  }

  /** The name of the transport that is in use; undefined while there is no connection. */
  get current(): string | undefined {
    return this.#name
  }

  /** Told whenever `current` has changed. */
  onChange(handler: (current: string | undefined) => unknown): () => void {
    return this.#changes.add(handler)
  }

  /** @internal */
  attach({ calls: { outbox }, receiver }: AnyClient): void {
    const { connection } = outbox
    const { settings, clock, events } = connection
    const { patience = 3_000, retry = 5_000 } = this.#options
    const transports = this.#transports
    const { start, remember } = readMemory(settings.url, transports)
    const record = new Record(clock, transports.length, start, remember)
    const { interval, timeout } = settings.heartbeat
    this.#connection = connection
    this.#receiver = receiver
    this.#settings = settings
    this.#pause = retry
    this.#quiet = new Quiet(outbox)
    this.#attempt = {
      transports,
      record,
      clock,
      patience,
      silence: interval ? interval + timeout * 0.9 : Infinity,
      opened: (index) => this.#opened(index),
      ended: () => this.#ended(),
    }
    this.#settings.connectTimeout += patience * (transports.length - 1)
    const open = (url: string, protocols: string[]) => this.#open(url, protocols)
    this.#settings.WebSocket = function (url: string, protocols: string[]) {
      return open(url, protocols)
    } as unknown as Settings['WebSocket']
    const { frame } = events
    // That one is of our own.
    events.frame = (data) => data === MOVE || frame(data)
  }

  #open(url: string, protocols: string[]): TransportSocket {
    if (this.#isProbing) return this.#transports[0]!.open(url, protocols)
    const ready = this.#ready
    this.#ready = undefined
    if (ready) {
      this.#cancel()
      this.#attempt.record.trust(0)
      this.#quiet.end()
    }
    return this.#socket = new FallbackSocket(this.#attempt, url, protocols, ready)
  }

  #opened(index: number): void {
    this.#attempt.record.opened(index)
    this.#tell(this.#transports[index]!.name)
    if (index > 0) this.#retryLater()
  }

  #ended(): void {
    if (!this.#ready) this.#cancel()
    this.#tell(undefined)
  }

  #tell(name: string | undefined): void {
    this.#name = name
    this.#changes.tell(this.#receiver.report, name)
  }

  #drop(): void {
    this.#ready?.socket.close()
    this.#ready = undefined
    this.#quiet.end()
  }

  #retryLater(): void {
    const { clock } = this.#connection
    const { maxRetry = 300_000 } = this.#options
    // Never all clients at once.
    const pause = this.#pause * (0.5 + clock.random() / 2)
    this.#pause = Math.min(maxRetry, this.#pause * 2)
    this.#cancel = clock.after(pause, () => void this.#retry())
  }

  async #retry(): Promise<void> {
    const used = this.#socket
    const isUsed = () => this.#socket === used && this.#name !== undefined
    const ready = await probe(this.#settings, this.#connection.clock, (...given) => {
      this.#isProbing = true
      try {
        return new this.#settings.WebSocket(...given) as unknown as TransportSocket
      } finally {
        this.#isProbing = false
      }
    })
    // What comes over it from now on is kept until it is taken over.
    const isQuiet = ready !== undefined && isUsed() && await this.#quiet.begin()
    if (isQuiet && isUsed()) {
      this.#ready = ready
      // The client may be closed before it comes for it.
      this.#cancel = this.#connection.clock.after(UNCLAIMED, () => this.#drop())
      return used!.tell(MOVE)
    }
    this.#quiet.end()
    ready?.socket.close()
    if (isUsed()) this.#retryLater()
  }
}
