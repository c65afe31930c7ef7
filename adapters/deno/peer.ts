import { Buffer } from 'node:buffer'
import { CLOSE, type Host, type Peer, type Receiver, type SendResult } from '../../src/mod.ts'
import { Closing } from './closing.ts'

/** How often a peer with much buffered is looked at again, in milliseconds: Deno does not tell of draining. */
const DRAIN_POLL = 20

/** Deno's sockets as seen by whose connections they are: no topics, so rooms loop. */
export class DenoHost implements Host {
  readonly #resumeAt: number
  readonly #draining = new Set<DenoPeer>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param resumeAt Buffered bytes at which who waits to send goes on. */
  constructor(resumeAt: number) {
    this.#resumeAt = resumeAt
  }

  byteLength(text: string): number {
    return Buffer.byteLength(text)
  }

  /** Tells the peer's receiver once its buffer is low again, if it is not. */
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
      peer.receiver?.drained()
    }
  }
}

/** One of Deno's sockets as seen by whose connection it is. */
export class DenoPeer implements Peer {
  readonly host: DenoHost
  readonly remoteAddress: string
  readonly remotePort: number
  /** Set when the socket opens. */
  receiver: Receiver | undefined
  /** It does so by itself, for `idleTimeout`, and tells nobody of the answers. */
  readonly pingsItself = true
  readonly #socket: WebSocket
  #closing: Closing | undefined

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
    if (this.#closing !== undefined || this.#socket.readyState !== WebSocket.OPEN) return 'closed'
    this.#socket.send(frame as string | Uint8Array<ArrayBuffer>)
    if (this.#socket.bufferedAmount === 0) return 'accepted'
    this.host.watch(this)
    return 'buffered'
  }

  close(code: number, reason: string): void {
    this.#closing ??= new Closing(this.#socket, code, reason)
  }

  /** Deno cannot cut a socket: its receiver is told of the end, the connection is left to the client. */
  terminate(): void {
    this.closed(CLOSE.abnormal, '')
  }

  /** The socket received something. */
  heard(): void {
    this.#closing?.heard()
  }

  /** The connection is over. Of one that was closed here Deno tells what the client answered, if anything. */
  closed(code: number, reason: string): void {
    this.host.forget(this)
    this.#closing?.finish()
    this.receiver?.closed(this.#closing?.code ?? code, this.#closing?.reason ?? reason)
  }
}
