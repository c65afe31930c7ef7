import { shouldReconnect } from '../../protocol/close_codes.ts'
import type { Frame } from '../../protocol/codec.ts'
import type { EncodedEnvelope, Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Welcome } from '../../protocol/reserved.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../options.ts'
import { Backoff } from './backoff.ts'
import { sizeOf } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
import { type ClientCodec, json } from './json.ts'

/**
 * `connecting` until the first welcome, `open` while the server can be reached, `reconnecting` between two
 * connections, `closed` before `connect()`, after `close()` and after the server has sent the client away for good.
 */
export type ClientState = 'connecting' | 'open' | 'reconnecting' | 'closed'

/** What makes a WebSocket: the global one, or one with the same interface. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket

/** How a connection ended. */
export interface CloseInfo {
  readonly code: number
  readonly reason: string
  /** Whether the client comes back by itself. */
  readonly willReconnect: boolean
}

/** Whom a connection tells; its `state` has changed already. */
export interface ConnectionEvents {
  /** The server has welcomed us; what is sent from now on leaves. */
  open(welcome: Welcome): void
  frame(frame: Frame): void
  envelope(envelope: Envelope): void
  /** A connection that was open has ended, or there will be no further attempt. */
  down(close: CloseInfo): void
}

/** Clients that are woken together try within so many milliseconds, each at a random one: not in one instant. */
const SPREAD = 1_000
/** Milliseconds from one attempt to one that is made early, at least: however often the network comes and goes. */
const SPACING = 2_000
/** Events of a page after which all may be different: its timers, its sockets and the network may have stood still. */
const WAKING = ['online', 'visibilitychange', 'pageshow']

/**
 * A connection that comes back: one attempt at a time, with pauses that grow, until it is closed. What is sent in one
 * microtask leaves as one frame.
 */
export class Connection {
  // What the constructor sets is declared only: a field that is public would stand in every bundle once more.
  declare readonly settings: Settings
  declare readonly clock: Clock
  state: ClientState = 'closed'
  /** What the server said of itself last; undefined before it ever did. */
  declare welcome: Welcome | undefined
  declare readonly events: ConnectionEvents
  readonly #backoff: Backoff
  readonly #heartbeat: Heartbeat
  /** The present attempt or connection. What others still tell is not listened to. */
  #socket: WebSocket | undefined
  /** What leaves as one frame at the end of this microtask, and its bytes. */
  #batch: EncodedEnvelope[] = []
  #bytes = 0
  /** When the last attempt was begun, or was welcomed. */
  #since = 0
  /** When what waits is due. */
  #due = 0
  #codec: ClientCodec = json
  /** Cancels what waits for its time: the end of an attempt, the next attempt, or a move asked for by the server. */
  #cancelWait = () => {}

  constructor(settings: Settings, clock: Clock, events: ConnectionEvents) {
    this.settings = settings
    this.clock = clock
    this.events = events
    this.#backoff = new Backoff(clock.random, settings.backoff)
    this.#heartbeat = new Heartbeat(
      settings.heartbeat,
      clock,
      () => this.send({ type: 'session.ping', payload: '{}' }),
      () => this.#lost('The server has fallen silent.'),
    )
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** Starts, where it is closed. */
  connect(): void {
    this.#backoff.reset()
    // First, since it may throw: then nothing has happened.
    this.#attempt()
    this.state = 'connecting'
    for (const name of WAKING) globalThis.addEventListener?.(name, this.#wake)
  }

  /**
   * Sends an encoded envelope; dropped when there is no connection, or when more bytes wait for the network already.
   * @throws {RotundaError} `message_too_big`
   */
  send(envelope: EncodedEnvelope, maxBuffered = Infinity): void {
    if (!this.isOpen || this.#socket!.bufferedAmount > maxBuffered) return
    const { maxBatch, maxMessageSize } = this.welcome!
    const bytes = sizeOf(this.#codec.encode([envelope]))
    if (bytes > maxMessageSize) {
      throw new RotundaError('message_too_big', `More than ${maxMessageSize} bytes.`)
    }
    // One more each for the comma or the closing bracket, and one for the opening one.
    if (this.#batch.length >= maxBatch || this.#bytes + bytes + 2 > maxMessageSize) this.#flush()
    if (this.#batch.push(envelope) === 1) queueMicrotask(() => this.#flush())
    this.#bytes += bytes + 1
  }

  /** Ends it for good. What was sent before still leaves. */
  close(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.#drop(code, reason)
    this.#ended(code, reason, false)
  }

  /** A socket that begins to connect. */
  dial(): WebSocket {
    const { WebSocket, url, codec } = this.settings
    const socket = new WebSocket(url, [...new Set([codec.subprotocol, json.subprotocol])])
    socket.binaryType = 'arraybuffer'
    return socket
  }

  /** Goes over to another connection, without a pause. */
  move(): void {
    this.#drop()
    this.#ended(1006, 'The server drains.', true, 0)
  }

  /** Milliseconds until the next attempt, after one that failed or a connection that has ended. */
  pause(_code: number, _reason: string): number {
    return this.#backoff.next()
  }

  readonly #wake = ({ type }: Event) => {
    // A page that nobody sees needs nothing, but for the network.
    if (type !== 'online' && globalThis.document?.hidden) return
    if (this.isOpen) this.#heartbeat.check()
    if (!this.#socket) {
      const now = this.clock.now()
      const at = Math.max(this.#since + SPACING, now + this.clock.random() * SPREAD)
      if (at < this.#due) this.#wait(at - now, () => this.#attempt())
    }
  }

  #flush(): void {
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    if (batch[0] && this.isOpen) this.#socket!.send(this.#codec.encode(batch) as string)
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#cancelWait()
    this.#due = this.clock.now() + milliseconds
    this.#cancelWait = this.clock.after(milliseconds, then)
  }

  #attempt(): void {
    const socket = this.#socket = this.dial()
    this.#since = this.clock.now()
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return
      this.#heartbeat.received()
      const frame = typeof data === 'string' ? data : new Uint8Array(data)
      this.#codec = socket.protocol === this.settings.codec.subprotocol ? this.settings.codec : json
      this.events.frame(frame)
      for (const { envelope } of this.#codec.decode(frame)) {
        // A handler may have closed the connection in the middle of a batch; the rest is for the next one to get.
        if (this.#socket !== socket) return
        if (!envelope) continue
        const { type, payload } = envelope
        if (type === 'session.welcome') {
          this.#cancelWait()
          this.welcome = payload as Welcome
          this.state = 'open'
          this.#since = this.clock.now()
          this.#heartbeat.start()
          this.events.open(payload as Welcome)
        } else if (type === 'session.drain') {
          // Its clients are to move to another server, not all at once.
          this.#wait(this.clock.random() * (payload as { window: number }).window, () => this.move())
        } else if (this.isOpen) this.events.envelope(envelope)
      }
    }
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason)
    }
    // Some runtimes tell a failed attempt with `error` alone. After the opening `close` follows and knows the code.
    socket.onerror = () => {
      if (this.#socket === socket && !this.isOpen) this.#ended(1006, '')
    }
    this.#wait(this.settings.connectTimeout, () => this.#lost(''))
  }

  /** Gives up a socket of which nothing more is to be expected. */
  #lost(reason: string): void {
    this.#drop()
    this.#ended(1006, reason)
  }

  #drop(code = 1000, reason = ''): void {
    this.#flush()
    const socket = this.#socket
    this.#socket = undefined
    socket?.close(code, reason)
  }

  #ended(code: number, reason: string, willReconnect = shouldReconnect(code), pause?: number): void {
    const wasOpen = this.isOpen
    if (wasOpen && this.clock.now() - this.#since >= this.settings.backoff.base) this.#backoff.reset()
    this.#socket = undefined
    this.#heartbeat.stop()
    this.#cancelWait()
    if (willReconnect) {
      this.#wait(pause ?? this.pause(code, reason), () => this.#attempt())
      if (!wasOpen) return
    } else for (const name of WAKING) globalThis.removeEventListener?.(name, this.#wake)
    this.state = willReconnect ? 'reconnecting' : 'closed'
    this.events.down({ code, reason, willReconnect })
  }
}
