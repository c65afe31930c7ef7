import { shouldReconnect } from '../../protocol/close_codes.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import type { Welcome } from '../../protocol/reserved.ts'
import type { Clock } from '../clock.ts'
import type { Settings } from '../options.ts'
import { Backoff } from './backoff.ts'
import { decodeFrame } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
import { ABNORMAL, Socket } from './socket.ts'

/**
 * `connecting` until the first welcome, `open` while the server can be reached, `reconnecting` between two
 * connections, `closed` before `connect()`, after `close()` and after the server has sent the client away for good.
 */
export type ClientState = 'connecting' | 'open' | 'reconnecting' | 'closed'

/** How a connection ended. */
export interface CloseInfo {
  readonly code: number
  readonly reason: string
  /** Whether the client comes back by itself. */
  readonly willReconnect: boolean
}

/** Whom a connection tells; its `state` has changed already. */
export interface ConnectionEvents {
  connecting(): void
  /** The server has welcomed us; what is sent from now on leaves. */
  open(welcome: Welcome): void
  frame(text: string): void
  envelope(envelope: Envelope): void
  /** A connection that was open has ended, or there will be no further attempt. */
  down(close: CloseInfo): void
}

/** A connection that comes back: one attempt at a time, with pauses that grow, until it is closed. */
export class Connection {
  readonly settings: Settings
  readonly clock: Clock
  readonly #events: ConnectionEvents
  readonly #backoff: Backoff
  readonly #heartbeat: Heartbeat
  #state: ClientState = 'closed'
  #socket: Socket | undefined
  #welcome: Welcome | undefined
  #openedAt = 0
  /** Cancels what waits for its time: the end of an attempt, the next attempt, or a move asked for by the server. */
  #cancelWait = () => {}

  constructor(settings: Settings, clock: Clock, events: ConnectionEvents) {
    this.settings = settings
    this.clock = clock
    this.#events = events
    this.#backoff = new Backoff(settings.backoff, clock.random)
    const ping = () => this.#socket?.send('{"type":"session.ping"}')
    const dead = () => this.#lost('The server has fallen silent.')
    this.#heartbeat = new Heartbeat(settings.heartbeat, clock, ping, dead)
  }

  get state(): ClientState {
    return this.#state
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** What the server said of itself last; undefined before it ever did. */
  get welcome(): Welcome | undefined {
    return this.#welcome
  }

  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0
  }

  connect(): void {
    if (this.#state !== 'closed') return
    this.#backoff.reset()
    // First, since it may throw: then nothing has happened.
    this.#attempt()
    this.#state = 'connecting'
    this.#events.connecting()
    globalThis.addEventListener?.('online', this.#online)
  }

  /** Sends an encoded envelope with what else is sent in this microtask; false when there is no connection. */
  send(text: string): boolean {
    if (!this.isOpen) return false
    this.#socket?.send(text)
    return true
  }

  /** Ends it for good. What was sent before still leaves. */
  close(code: number, reason: string): void {
    if (this.#state === 'closed') return
    this.#drop(code, reason)
    this.#stop(code, reason)
  }

  readonly #online = () => {
    if (this.#socket === undefined) this.#attempt()
  }

  #wait(milliseconds: number, then: () => void): void {
    this.#cancelWait()
    this.#cancelWait = this.clock.after(milliseconds, then)
  }

  #attempt(): void {
    const { WebSocket, url, connectTimeout } = this.settings
    const socket: Socket = new Socket(WebSocket, url, {
      frame: (text) => this.#receive(socket, text),
      ended: (code, reason) => this.#ended(code, reason),
    })
    this.#socket = socket
    this.#wait(connectTimeout, () => this.#lost('No welcome came in time.'))
  }

  #receive(socket: Socket, text: string): void {
    this.#heartbeat.received()
    if (text !== '') this.#events.frame(text)
    for (const envelope of decodeFrame(text)) {
      // A handler may have closed the connection in the middle of a batch; the rest is for the next one to get.
      if (this.#socket !== socket) return
      if (envelope.type === 'session.welcome') this.#welcomed(socket, envelope.payload as Welcome)
      else if (!this.isOpen) continue
      else if (envelope.type === 'session.drain') this.#drain(envelope.payload as { window: number })
      else this.#events.envelope(envelope)
    }
  }

  #welcomed(socket: Socket, welcome: Welcome): void {
    if (this.isOpen) return
    this.#cancelWait()
    this.#welcome = welcome
    this.#openedAt = this.clock.now()
    socket.welcomed(welcome)
    this.#heartbeat.start()
    this.#state = 'open'
    this.#events.open(welcome)
  }

  /** The server asks its clients to move to another one, not all at once. */
  #drain({ window }: { readonly window: number }): void {
    this.#wait(this.clock.random() * window, () => {
      this.#backoff.reset()
      this.#lost('The server asked to move.', 0)
    })
  }

  /** Gives up a socket of which nothing more is to be expected. */
  #lost(reason: string, wait?: number): void {
    this.#drop(1000, '')
    this.#ended(ABNORMAL, reason, wait)
  }

  #drop(code: number, reason: string): void {
    this.#socket?.flush()
    this.#socket?.close(code, reason)
  }

  #ended(code: number, reason: string, wait?: number): void {
    if (!shouldReconnect(code)) return this.#stop(code, reason)
    const wasOpen = this.isOpen
    if (wasOpen && this.clock.now() - this.#openedAt >= this.settings.backoff.base) this.#backoff.reset()
    this.#release()
    this.#wait(wait ?? this.#backoff.next(), () => this.#attempt())
    if (!wasOpen) return
    this.#state = 'reconnecting'
    this.#events.down({ code, reason, willReconnect: true })
  }

  #stop(code: number, reason: string): void {
    this.#release()
    this.#cancelWait()
    globalThis.removeEventListener?.('online', this.#online)
    this.#state = 'closed'
    this.#events.down({ code, reason, willReconnect: false })
  }

  #release(): void {
    this.#socket = undefined
    this.#heartbeat.stop()
  }
}
