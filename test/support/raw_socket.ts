import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'

interface Welcome {
  readonly payload: { readonly session: string }
}

/** A TCP connection on which a test says exactly what it wants, and reads what comes byte by byte. */
export class RawSocket {
  readonly socket: Socket
  /** Resolves when the connection is over in both directions. */
  readonly closed: Promise<void>
  #received: Buffer = Buffer.alloc(0)
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
    const end = await this.#until(() => {
      const at = this.#received.indexOf('\r\n\r\n')
      return at < 0 ? undefined : at + 4
    })
    const [first = '', ...lines] = this.#take(end).toString('latin1').trim().split('\r\n')
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }))
    const length = Number(headers.get('content-length') ?? 0)
    await this.#until(() => this.#received.length >= length ? true : undefined)
    return { status: Number(first.split(' ')[1]), headers, body: this.#take(length).toString('utf8') }
  }

  /** The next frame of the server. `compressed` is its bit RSV1. */
  async frame(): Promise<{ opcode: number; compressed: boolean; payload: Buffer }> {
    const [head, length] = await this.#until(() => {
      const bytes = this.#received
      if (bytes.length < 2) return undefined
      const short = bytes[1]! & 127
      if (short < 126) return [2, short] as const
      if (short === 126) return bytes.length < 4 ? undefined : [4, bytes.readUInt16BE(2)] as const
      return bytes.length < 10 ? undefined : [10, Number(bytes.readBigUInt64BE(2))] as const
    })
    await this.#until(() => this.#received.length >= head + length ? true : undefined)
    const bytes = this.#take(head + length)
    return { opcode: bytes[0]! & 15, compressed: (bytes[0]! & 0x40) > 0, payload: bytes.subarray(head) }
  }

  /** The code of the close frame that comes, whatever comes before it. */
  async closeCode(): Promise<number> {
    while (true) {
      const { opcode, payload } = await this.frame()
      if (opcode === 8) return payload.length < 2 ? 1005 : payload.readUInt16BE(0)
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
  const headers: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...changes,
  }
  const lines = Object.entries(headers).filter(([, value]) => value !== undefined).map(([name, value]) => {
    return `${name}: ${value}\r\n`
  })
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** One frame of a client. `masked: false` breaks the rule that clients mask. */
export function clientFrame(
  opcode: number,
  content: string | Uint8Array,
  { masked = true, fin = true }: { masked?: boolean; fin?: boolean } = {},
): Buffer {
  const payload = Buffer.from(content as string)
  const first = (fin ? 0x80 : 0) | opcode
  const bit = masked ? 0x80 : 0
  const head = payload.length < 126
    ? Buffer.from([first, bit | payload.length])
    : payload.length < 65_536
    ? Buffer.from([first, bit | 126, payload.length >> 8, payload.length & 255])
    : longHead(first, bit, payload.length)
  if (!masked) return Buffer.concat([head, payload])
  const mask = Buffer.from([1, 2, 3, 4])
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i % 4]!)])
}

function longHead(first: number, bit: number, length: number): Buffer {
  const head = Buffer.alloc(10)
  head[0] = first
  head[1] = bit | 127
  head.writeBigUInt64BE(BigInt(length), 2)
  return head
}
