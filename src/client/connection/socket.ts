import { JSON_SUBPROTOCOL } from '../../protocol/json_codec.ts'
import type { Welcome } from '../../protocol/reserved.ts'
import { packFrames } from './frames.ts'

/** Stands for a connection that broke. Not `CLOSE.abnormal`, which would put all names into every client. */
export const ABNORMAL = 1006

/** What makes a WebSocket: the global one, or one with the same interface. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocket

/** What one socket tells. `ended` comes at most once, and nothing comes after it. */
export interface SocketEvents {
  frame(text: string): void
  ended(code: number, reason: string): void
}

/** One WebSocket from its first attempt to its end. What is sent in one microtask leaves as one frame. */
export class Socket {
  readonly #socket: WebSocket
  readonly #events: SocketEvents
  #limits: Welcome | undefined
  #outgoing: string[] = []
  #over = false

  constructor(make: WebSocketConstructor, url: string, events: SocketEvents) {
    this.#events = events
    const socket = this.#socket = new make(url, [JSON_SUBPROTOCOL])
    socket.onmessage = ({ data }) => {
      if (!this.#over) events.frame(typeof data === 'string' ? data : '')
    }
    socket.onclose = ({ code, reason }) => this.#end(code, reason)
    // Some runtimes tell a failed attempt with `error` alone. After the opening `close` follows and knows the code.
    socket.onerror = () => {
      if (this.#limits === undefined) this.#end(ABNORMAL, 'The connection could not be opened.')
    }
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  /** The server has said who it is and what it takes. */
  welcomed(welcome: Welcome): void {
    this.#limits = welcome
  }

  send(text: string): void {
    if (this.#outgoing.push(text) === 1) queueMicrotask(() => this.flush())
  }

  /** Sends what waits for the end of this microtask now. */
  flush(): void {
    const texts = this.#outgoing
    this.#outgoing = []
    if (this.#over || this.#limits === undefined || texts.length === 0) return
    const { maxBatch, maxMessageSize } = this.#limits
    const batches = this.#socket.protocol === JSON_SUBPROTOCOL
    for (const frame of batches ? packFrames(texts, maxBatch, maxMessageSize) : texts) this.#socket.send(frame)
  }

  /** Ends it without being told any more: `ended` is not called. */
  close(code: number, reason: string): void {
    this.#over = true
    this.#socket.close(code, reason)
  }

  #end(code: number, reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#events.ended(code, reason)
  }
}
