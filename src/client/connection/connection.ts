import { shouldReconnect } from '../../protocol/close_codes.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { JSON_SUBPROTOCOL } from '../../protocol/json_codec.ts'
import type { Welcome } from '../../protocol/reserved.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../options.ts'
import { Backoff } from './backoff.ts'
import { decodeFrame, packFrames } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'

/**
 * `connecting` until the first welcome, `open` while the server can be reached, `reconnecting` between two
 * connections, `closed` before `connect()`, after `close()` and after the server has sent the client away for good.
 */
export type ClientState = 'connecting' | 'open' | 'reconnecting' | 'closed'

/** What makes a WebSocket: the global one, or one with the same interface. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket

/** Stands for a connection that broke. Not `CLOSE.abnormal`, which would put all names into every client. */
const ABNORMAL = 1006

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
  frame(text: string): void
  envelope(envelope: Envelope): void
  /** A connection that was open has ended, or there will be no further attempt. */
  down(close: CloseInfo): void
}

/**
 * A connection that comes back: one attempt at a time, with pauses that grow, until it is closed. What is sent in one
 * microtask leaves as one frame.
 */
export class Connection {
  readonly settings: Settings
  readonly clock: Clock
  state: ClientState = 'closed'
  /** What the server said of itself last; undefined before it ever did. */
  welcome: Welcome | undefined
  readonly #events: ConnectionEvents
  readonly #backoff: Backoff
  readonly #heartbeat: Heartbeat
  /** The present attempt or connection. What others still tell is not listened to. */
  #socket: WebSocket | undefined
  #outgoing: string[] = []
  #openedAt = 0
  /** Cancels what waits for its time: the end of an attempt, the next attempt, or a move asked for by the server. */
  #cancelWait = () => {}

  constructor(settings: Settings, clock: Clock, events: ConnectionEvents) {
    this.settings = settings
    this.clock = clock
    this.#events = events
    this.#backoff = new Backoff(clock.random, settings.backoff)
    const ping = () => this.send('{"type":"session.ping"}')
    this.#heartbeat = new Heartbeat(settings.heartbeat, clock, ping, () => this.#lost('The server has fallen silent.'))
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0
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

  /** Sends an encoded envelope; dropped when there is no connection. */
  send(text: string): void {
    if (this.isOpen && this.#outgoing.push(text) === 1) queueMicrotask(() => this.#flush())
  }

  /** Ends it for good. What was sent before still leaves. */
  close(code: number, reason: string): void {
    if (this.state === 'closed') return
    this.#drop(code, reason)
    this.#stop(code, reason)
  }

  readonly #online = () => {
    if (!this.#socket) this.#attempt()
  }

  #flush(): void {
    const texts = this.#outgoing
    this.#outgoing = []
    const socket = this.#socket
    if (!this.isOpen || !socket) return
    const batches = socket.protocol === JSON_SUBPROTOCOL
    for (const frame of batches ? packFrames(texts, this.welcome!) : texts) socket.send(frame)
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#cancelWait()
    this.#cancelWait = this.clock.after(milliseconds, then)
  }

  #attempt(): void {
    const { WebSocket, url, connectTimeout } = this.settings
    const socket = this.#socket = new WebSocket(url, [JSON_SUBPROTOCOL])
    socket.onmessage = ({ data }) => this.#receive(socket, data)
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#ended(code, reason)
    }
    // Some runtimes tell a failed attempt with `error` alone. After the opening `close` follows and knows the code.
    socket.onerror = () => {
      if (this.#socket === socket && !this.isOpen) this.#ended(ABNORMAL, '')
    }
    this.#wait(connectTimeout, () => this.#lost(''))
  }

  #receive(socket: WebSocket, frame: unknown): void {
    if (this.#socket !== socket) return
    this.#heartbeat.received()
    if (typeof frame !== 'string') return
    this.#events.frame(frame)
    for (const envelope of decodeFrame(frame)) {
      // A handler may have closed the connection in the middle of a batch; the rest is for the next one to get.
      if (this.#socket !== socket) return
      const { type, payload } = envelope
      if (type === 'session.welcome') this.#welcomed(payload as Welcome)
      else if (type === 'session.drain') this.#drain(payload as { window: number })
      else if (this.isOpen) this.#events.envelope(envelope)
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#cancelWait()
    this.welcome = welcome
    this.state = 'open'
    this.#openedAt = this.clock.now()
    this.#heartbeat.start()
    this.#events.open(welcome)
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
    this.#ended(ABNORMAL, reason)
  }

  #drop(code: number, reason: string): void {
    this.#flush()
    const socket = this.#socket
    this.#socket = undefined
    socket?.close(code, reason)
  }

  #ended(code: number, reason: string): void {
    if (!shouldReconnect(code)) return this.#stop(code, reason)
    const wasOpen = this.isOpen
    if (wasOpen && this.clock.now() - this.#openedAt >= this.settings.backoff.base) this.#backoff.reset()
    this.#release()
    this.#wait(this.#backoff.next(), () => this.#attempt())
    if (!wasOpen) return
    this.state = 'reconnecting'
    this.#events.down({ code, reason, willReconnect: true })
  }

  #release(): void {
    this.#socket = undefined
    this.#heartbeat.stop()
    this.#cancelWait()
  }

  #stop(code: number, reason: string): void {
    this.#release()
    globalThis.removeEventListener?.('online', this.#online)
    this.state = 'closed'
    this.#events.down({ code, reason, willReconnect: false })
  }
}
