import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import {
  Frame,
  FRAME_OPCODE,
  FrameDecoder,
  FrameError,
  handshakeRequest,
  parseResponseHead,
  readClosePayload,
} from '../../src/rfc6455/mod.ts'

interface Welcome {
  readonly payload: { readonly session: string }
}

const SAMPLE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const MASK = new Uint8Array([1, 2, 3, 4])

/**
 * A TCP connection on which a test says exactly what it wants, and reads what comes byte by byte. What a server sends
 * must be to the letter of RFC 6455, or reading it fails.
 */
export class RawSocket {
  readonly socket: Socket
  /** Resolves when the connection is over in both directions. */
  readonly closed: Promise<void>
  #received: Buffer = Buffer.alloc(0)
  readonly #decoder = new FrameDecoder({ role: 'client', rsv1: true, maxFrameSize: 64 * 1_048_576 })
  readonly #frames: Frame[] = []
  #ended = false
  #wake: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#notify()
    })
    socket.on('error', () => {})
    socket.on('end', () => {
      this.#ended = true
      this.#notify()
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#ended = true
        this.#notify()
        resolve()
      })
    })
  }

  /** With `allowHalfOpen` it does not close when the server does. */
  static open(port: number, { allowHalfOpen = false }: { allowHalfOpen?: boolean } = {}): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawSocket(socket)))
    })
  }

  /** Connects and becomes a WebSocket; what comes after the handshake is left to `frame`. */
  static async upgraded(port: number, headers: Record<string, string> = {}): Promise<RawSocket> {
    const raw = await RawSocket.open(port)
    raw.write(handshake(headers))
    const { status } = await raw.response()
    if (status !== 101) throw new Error(`The handshake was answered with ${status}.`)
    return raw
  }

  /** Reads the welcome; gives the id of the session. */
  async session(): Promise<string> {
    const { payload: { session } } = JSON.parse((await this.frame()).payload.toString()) as Welcome
    return session
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next HTTP response: head, and body where the head says how long it is. */
  async response(): Promise<{ status: number; headers: Map<string, string>; body: string }> {
    const { status, headers, size } = await this.#until(() => parseResponseHead(this.#received))
    this.#take(size)
    const length = Number(headers.get('content-length') ?? 0)
    await this.#until(() => this.#received.length >= length ? true : undefined)
    return { status, headers: new Map(headers), body: this.#take(length).toString('utf8') }
  }

  /** The next frame of the server. `compressed` is its bit RSV1. */
  async frame(): Promise<{ opcode: number; compressed: boolean; payload: Buffer }> {
    const { opcode, rsv1, payload } = await this.#until(() => this.#frames.shift() ?? this.#decode())
    return { opcode, compressed: rsv1, payload: Buffer.from(payload.buffer, payload.byteOffset, payload.length) }
  }

  /** The code of the close frame that comes, whatever comes before it. */
  async closeCode(): Promise<number> {
    while (true) {
      const { opcode, payload } = await this.frame()
      if (opcode !== FRAME_OPCODE.close) continue
      const status = readClosePayload(payload)
      if (status instanceof FrameError) throw status
      return status.code
    }
  }

  destroy(): void {
    this.socket.destroy()
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  /** The first of the frames that were received since the last one was asked for. */
  #decode(): Frame | undefined {
    const { frames, error } = this.#decoder.decode(this.#take(this.#received.length))
    for (const frame of frames) this.#frames.push(frame)
    if (error !== undefined && frames.length === 0) throw error
    return this.#frames.shift()
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    while (true) {
      const found = look()
      if (found !== undefined) return found
      if (this.#ended) throw new Error(`The connection ended; unread: ${JSON.stringify(this.#received.toString())}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** A good handshake request, or one with headers replaced, added or (undefined) left out. */
export function handshake(
  changes: Record<string, string | undefined> = {},
  { method = 'GET', path = '/ws' }: { method?: string; path?: string } = {},
): string {
  const request = handshakeRequest({ host: '127.0.0.1', path, method, key: SAMPLE_KEY, headers: changes })
  return Buffer.from(request).toString()
}

/** One frame of a client. `masked: false` breaks the rule that clients mask. */
export function clientFrame(
  opcode: number,
  content: string | Uint8Array,
  { masked = true, fin = true }: { masked?: boolean; fin?: boolean } = {},
): Buffer {
  const frame = new Frame({ opcode, fin, payload: content, maskKey: masked ? MASK : undefined })
  return Buffer.from(frame.encode().buffer)
}
