import { shouldReconnect } from '../../protocol/close_codes.ts'
import type { Codec, Frame } from '../../protocol/codec.ts'
import type { EncodedEnvelope, Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Welcome } from '../../protocol/reserved.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../options.ts'
import { Backoff } from './backoff.ts'
import { sizeOf } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
import { json } from './json.ts'

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
  #openedAt = 0
  #codec: Codec = json
  /** Cancels what waits for its time: the end of an attempt, the next attempt, or a move asked for by the server. */
  #cancelWait = () => {}

  constructor(settings: Settings, clock: Clock, events: ConnectionEvents) {
    this.settings = settings
    this.clock = clock
    this.events = events
    this.#backoff = new Backoff(clock.random, settings.backoff)
    const ping = () => this.send({ type: 'session.ping', payload: '{}' })
    this.#heartbeat = new Heartbeat(settings.heartbeat, clock, ping, () => this.#lost('The server has fallen silent.'))
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** Starts; false when it has started already. */
  connect(): boolean {
    if (this.state !== 'closed') return false
    this.#backoff.reset()
    // First, since it may throw: then nothing has happened.
    this.#attempt()
    this.state = 'connecting'
    globalThis.addEventListener?.('online', this.#online)
    return true
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
      throw new RotundaError('message_too_big', `The message has more than ${maxMessageSize} bytes.`)
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

  readonly #online = () => {
    if (!this.#socket) this.#attempt()
  }

  #flush(): void {
    const batch = this.#batch
    this.#batch = []
    this.#bytes = 0
    if (batch.length > 0 && this.isOpen) this.#socket?.send(this.#codec.encode(batch) as string)
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#cancelWait()
    this.#cancelWait = this.clock.after(milliseconds, then)
  }

  #attempt(): void {
    const { WebSocket, url, connectTimeout, codec } = this.settings
    const socket = this.#socket = new WebSocket(url, [...new Set([codec.subprotocol, json.subprotocol])])
    socket.binaryType = 'arraybuffer'
    socket.onmessage = ({ data }) => this.#receive(socket, data)
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason)
    }
    // Some runtimes tell a failed attempt with `error` alone. After the opening `close` follows and knows the code.
    socket.onerror = () => {
      if (this.#socket === socket && !this.isOpen) this.#ended(1006, '')
    }
    this.#wait(connectTimeout, () => this.#lost(''))
  }

  #receive(socket: WebSocket, data: string | ArrayBuffer): void {
    if (this.#socket !== socket) return
    this.#heartbeat.received()
    const frame = typeof data === 'string' ? data : new Uint8Array(data)
    const { codec } = this.settings
    this.#codec = socket.protocol === codec.subprotocol ? codec : json
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
        this.#openedAt = this.clock.now()
        this.#heartbeat.start()
        this.events.open(this.welcome)
      } else if (type === 'session.drain') this.#drain(payload as { window: number })
      else if (this.isOpen) this.events.envelope(envelope)
    }
  }

  /** The server asks its clients to move to another one, not all at once. */
  #drain({ window }: { readonly window: number }): void {
    this.#wait(this.clock.random() * window, () => {
      this.#lost('The server drains.')
      // Unless the application, told of the loss, has closed the client.
      if (this.state === 'reconnecting') this.#attempt()
    })
  }

  /** Gives up a socket of which nothing more is to be expected. */
  #lost(reason: string): void {
    this.#drop(1000, '')
    this.#ended(1006, reason)
  }

  #drop(code: number, reason: string): void {
    this.#flush()
    const socket = this.#socket
    this.#socket = undefined
    socket?.close(code, reason)
  }

  #ended(code: number, reason: string, willReconnect = shouldReconnect(code)): void {
    const wasOpen = this.isOpen
    if (wasOpen && this.clock.now() - this.#openedAt >= this.settings.backoff.base) this.#backoff.reset()
    this.#socket = undefined
    this.#heartbeat.stop()
    this.#cancelWait()
    if (willReconnect) {
      this.#wait(this.#backoff.next(), () => this.#attempt())
      if (!wasOpen) return
    } else globalThis.removeEventListener?.('online', this.#online)
    this.state = willReconnect ? 'reconnecting' : 'closed'
    this.events.down({ code, reason, willReconnect })
  }
}
