import process from 'node:process'
import { checkResponse, type FrameScanner, handshakeRequest, newKey, parseResponseHead } from '../../src/rfc6455/mod.ts'
import { type FrameListener, frameScanner, PONG } from './frames.ts'

/** Where and as what to connect. */
export interface Target {
  readonly port: number
  /** Default `/ws`. */
  readonly path?: string
  /** Default: rotunda's. */
  readonly subprotocol?: string
}

const NOTHING: Buffer = Buffer.alloc(0)

/** A WebSocket client that costs next to nothing: a TCP socket, a handshake and a scanner of frame heads. */
export class RawSocket implements FrameListener {
  /** Replaced by who listens. */
  onPiece: FrameListener['onPiece'] = () => {}
  readonly #scanner: FrameScanner<Buffer> = frameScanner(this)
  #socket: Bun.Socket | undefined
  #unsent: Buffer[] = []
  #open = false
  #ending = false

  private constructor() {}

  static connect(target: Target, prepare: (socket: RawSocket) => void = () => {}): Promise<RawSocket> {
    const { port, path = '/ws', subprotocol = 'rotunda.v1.json' } = target
    const key = newKey()
    const protocols = subprotocol === '' ? [] : [subprotocol]
    const raw = new RawSocket()
    prepare(raw)
    let received = NOTHING
    return new Promise((resolve, reject) => {
      Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          open: (socket) => {
            raw.#socket = socket
            socket.write(handshakeRequest({ host: `127.0.0.1:${port}`, path, key, protocols }))
          },
          data: (_, chunk) => {
            if (raw.#open) return raw.#read(chunk)
            received = Buffer.concat([received, chunk])
            const head = parseResponseHead(received)
            if (head === undefined) return
            checkResponse(head, { key, protocols })
            raw.#open = true
            resolve(raw)
            if (received.length > head.size) raw.#read(received.subarray(head.size))
            received = NOTHING
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

  onPing(): void {
    this.send(PONG)
  }

  onClosed(code: number): void {
    this.#fail(`The server closed a connection with ${code}.`)
  }

  send(frames: Buffer): void {
    this.#unsent.push(frames)
    if (this.#unsent.length === 1) this.#flush()
  }

  end(): void {
    this.#ending = true
    this.#socket?.terminate()
  }

  #read(chunk: Buffer): void {
    const error = this.#scanner.read(chunk)
    if (error !== undefined) throw error
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
