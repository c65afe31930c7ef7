import type { Connection, Hub, Peer, SendResult, Upgrade } from '../../src/mod.ts'
import type { BunSocket } from './runtime.ts'
import type { BunHost } from './upgrade.ts'

/** What each of Bun's sockets carries. */
export interface SocketData<M> {
  readonly host: BunHost
  /** The hub that accepted the handshake: several may share one server. */
  readonly hub: Pick<Hub<never, M>, 'connect' | 'report'>
  readonly upgrade: Upgrade<M>
  readonly remotePort: number
  /** Set when the socket opens. */
  connection: Connection | undefined
  /** How it ended, when that was before it had opened: an open handler that closes is told of it at once. */
  ended: { readonly code: number; readonly reason: string } | undefined
}

/** One of Bun's sockets as seen by the hub. */
export class BunPeer<M> implements Peer {
  readonly host: BunHost
  readonly #socket: BunSocket<SocketData<M>>

  constructor(host: BunHost, socket: BunSocket<SocketData<M>>) {
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

  /** Bun answers bytes sent, -1 when they wait, 0 when they were dropped. */
  send(frame: string | Uint8Array): SendResult {
    const sent = this.#socket.send(frame as string | Uint8Array<ArrayBuffer>, this.host.compresses)
    return sent > 0 ? 'accepted' : sent < 0 ? 'buffered' : 'closed'
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
