import { Buffer } from 'node:buffer'
import { CLOSE, type Connection, type Host, type Peer, type SendResult } from '../../src/mod.ts'

/** How often a peer with much buffered is looked at again, in milliseconds: Deno does not tell of draining. */
const DRAIN_POLL = 20

/** Deno's sockets as seen by the hub: no topics, so rooms loop. */
export class DenoHost implements Host {
  readonly #resumeAt: number
  readonly #draining = new Set<DenoPeer>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param resumeAt Buffered bytes at which a session that waits goes on. */
  constructor(resumeAt: number) {
    this.#resumeAt = resumeAt
  }

  byteLength(text: string): number {
    return Buffer.byteLength(text)
  }

  /** Tells the peer's session once its buffer is low again, if it is not. */
  watch(peer: DenoPeer): void {
    if (peer.bufferedAmount <= this.#resumeAt) return
    this.#draining.add(peer)
    this.#timer ??= setInterval(() => this.#poll(), DRAIN_POLL)
  }

  forget(peer: DenoPeer): void {
    this.#draining.delete(peer)
    if (this.#draining.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #poll(): void {
    for (const peer of this.#draining) {
      if (peer.bufferedAmount > this.#resumeAt) continue
      this.forget(peer)
      peer.connection?.drained()
    }
  }
}

/** One of Deno's sockets as seen by the hub. Deno pings by itself and has no call for it. */
export class DenoPeer implements Peer {
  readonly host: DenoHost
  readonly remoteAddress: string
  readonly remotePort: number
  /** Set when the socket opens. */
  connection: Connection | undefined
  readonly #socket: WebSocket

  constructor(host: DenoHost, socket: WebSocket, remoteAddress: string, remotePort: number) {
    this.host = host
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  send(frame: string | Uint8Array): SendResult {
    if (this.#socket.readyState !== WebSocket.OPEN) return 'closed'
    this.#socket.send(frame as string | Uint8Array<ArrayBuffer>)
    if (this.#socket.bufferedAmount === 0) return 'accepted'
    this.host.watch(this)
    return 'buffered'
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(code, reason)
  }

  /** Deno cannot cut a socket; its own idle timeout does. The session ends now. */
  terminate(): void {
    this.connection?.closed(CLOSE.abnormal, 'The closing handshake was not finished.')
  }
}
