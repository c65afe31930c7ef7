import type { Peer, Receiver, SendResult, Upgrade } from '../../src/mod.ts'
import type { BunSocket } from './runtime.ts'
import type { BunHost } from './upgrade.ts'

/** What each of Bun's sockets carries. */
export interface SocketData {
  readonly host: BunHost
  /** Whose connection it becomes: several hubs, and raw services beside them, may share one server. */
  readonly upgrade: Upgrade
  readonly remotePort: number
  /** Set when the socket opens. */
  receiver: Receiver | undefined
  /** How it ended, when that was before it had opened: an open handler that closes is told of it at once. */
  ended: { readonly code: number; readonly reason: string } | undefined
}

/** One of Bun's sockets as seen by whose connection it is. */
export class BunPeer implements Peer {
  readonly host: BunHost
  readonly #socket: BunSocket<SocketData>

  constructor(host: BunHost, socket: BunSocket<SocketData>) {
    this.host = host
    this.#socket = socket
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress
  }

  get remotePort(): number {
    return this.#socket.data.remotePort
  }

  get bufferedAmount(): number {
    return this.#socket.getBufferedAmount()
  }

  /** Bun answers bytes sent, -1 when they wait, 0 when they were dropped, or when there were none. */
  send(frame: string | Uint8Array): SendResult {
    const sent = this.#socket.send(frame as string | Uint8Array<ArrayBuffer>, this.host.compresses)
    if (sent === 0) return frame.length === 0 && this.#socket.readyState === WebSocket.OPEN ? 'accepted' : 'closed'
    return sent > 0 ? 'accepted' : 'buffered'
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  ping(data?: Uint8Array): void {
    this.#socket.ping(data as Uint8Array<ArrayBuffer> | undefined)
  }

  pong(data?: Uint8Array): void {
    this.#socket.pong(data as Uint8Array<ArrayBuffer> | undefined)
  }

  subscribe(topic: string): void {
    this.#socket.subscribe(topic)
  }

  unsubscribe(topic: string): void {
    // A socket that is closing has left its topics already.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.unsubscribe(topic)
  }
}
