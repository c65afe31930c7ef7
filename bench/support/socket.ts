import process from 'node:process'
import { type FrameListener, FrameReader, PONG } from './frames.ts'

/** Where and as what to connect. */
export interface Target {
  readonly port: number
  /** Default `/ws`. */
  readonly path?: string
  /** Default: rotunda's. */
  readonly subprotocol?: string
}

const UPGRADED = 'HTTP/1.1 101'

/** A WebSocket client that costs next to nothing: a TCP socket, a canned handshake and a reader of frame headers. */
export class RawSocket {
  /** Replaced by who listens. */
  onPiece: FrameListener['piece'] = () => {}
  readonly #reader: FrameReader
  #socket: Bun.Socket | undefined
  #unsent: Buffer[] = []
  #open = false
  #ending = false

  private constructor() {
    this.#reader = new FrameReader({
      piece: (chunk, from, to, begins, ends) => this.onPiece(chunk, from, to, begins, ends),
      ping: () => this.send(PONG),
      closed: (code) => this.#fail(`The server closed a connection with ${code}.`),
    })
  }

  static connect(target: Target, prepare: (socket: RawSocket) => void = () => {}): Promise<RawSocket> {
    const { port, path = '/ws', subprotocol = 'rotunda.v1.json' } = target
    const raw = new RawSocket()
    prepare(raw)
    return new Promise((resolve, reject) => {
      Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          open: (socket) => {
            raw.#socket = socket
            socket.write(
              `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
                'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
                (subprotocol === '' ? '\r\n' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`),
            )
          },
          data: (_, chunk) => {
            if (raw.#open) return raw.#reader.read(chunk)
            const end = chunk.indexOf('\r\n\r\n')
            if (end < 0 || !chunk.subarray(0, 12).equals(Buffer.from(UPGRADED))) {
              return reject(new Error(`The server refused: ${chunk.toString()}`))
            }
            raw.#open = true
            resolve(raw)
            if (chunk.length > end + 4) raw.#reader.read(chunk.subarray(end + 4))
          },
          drain: () => raw.#flush(),
          close: () => raw.#fail('The server ended a connection.'),
          // Bun hands over what a handler threw, such as a message that is missing.
          error: (_, error) => (raw.#open ? end(error) : reject(error)),
          connectError: (_, error) => reject(error),
        },
      }).catch(reject)
    })
  }

  send(frames: Buffer): void {
    this.#unsent.push(frames)
    if (this.#unsent.length === 1) this.#flush()
  }

  end(): void {
    this.#ending = true
    this.#socket?.terminate()
  }

  #flush(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const written = this.#socket?.write(next) ?? 0
      if (written < next.length) {
        this.#unsent[0] = next.subarray(Math.max(0, written))
        return
      }
      this.#unsent.shift()
    }
  }

  #fail(message: string): void {
    if (!this.#ending) end(new Error(message))
  }
}

/** Nothing measured after a fault means anything. */
function end(error: Error): never {
  console.error(error)
  process.exit(1)
}

/** Opens many connections, some at a time. */
export async function connectMany(
  count: number,
  target: Target,
  prepare: (socket: RawSocket) => void,
): Promise<RawSocket[]> {
  const sockets: RawSocket[] = []
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(100, count - sockets.length) }, () => RawSocket.connect(target, prepare))
    sockets.push(...await Promise.all(some))
  }
  return sockets
}
