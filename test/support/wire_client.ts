import type { Envelope } from '../../src/protocol/mod.ts'

/** Long enough for a busy machine; only ever waited for when something is wrong. */
const PATIENCE = 20_000

/** What a closed connection was told. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

interface Waiter {
  readonly matches: (envelope: Envelope) => boolean
  readonly resolve: (envelope: Envelope) => void
  readonly fail: (why: string) => void
}

/** A client that knows frames and nothing else: the runtime's own WebSocket, and what came over it. */
export class WireClient {
  readonly #socket: WebSocket
  /** Frames as they came. */
  readonly frames: string[] = []
  /** Envelopes that nobody has waited for yet, in order. */
  readonly unread: Envelope[] = []
  readonly closed: Promise<Closed>
  #waiters: Waiter[] = []
  #pings = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => this.#received(String(data))
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => {
        resolve({ code, reason })
        for (const waiter of this.#waiters.splice(0)) waiter.fail(`The connection was closed with ${code} ${reason}`)
      }
    })
  }

  /** Connects to a server's `/ws`; resolves when the connection is open. */
  static async open(port: number, protocols: string[] = ['rotunda.v1.json']): Promise<WireClient> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, protocols)
    socket.binaryType = 'arraybuffer'
    const client = new WireClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`The server at port ${port} took no connection.`))
    })
    socket.onerror = null
    return client
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  /** Sends text as it is, bytes as they are, anything else as JSON. */
  send(frame: unknown): void {
    if (frame instanceof Uint8Array) this.#socket.send(frame as Uint8Array<ArrayBuffer>)
    else this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** The first unread envelope with these fields, now or as soon as it comes. */
  next(fields: Partial<Record<keyof Envelope, unknown>>): Promise<Envelope> {
    const wanted = Object.entries(fields)
    const matches = (envelope: Envelope) => wanted.every(([name, value]) => envelope[name as keyof Envelope] === value)
    const index = this.unread.findIndex(matches)
    if (index >= 0) return Promise.resolve(this.unread.splice(index, 1)[0]!)
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer)
        const came = this.frames.slice(-5).map((frame) => frame.slice(0, 300)).join('\n')
        reject(new Error(`${why}, and nothing came that matches ${JSON.stringify(fields)}. The last frames:\n${came}`))
      }
      const timer = setTimeout(() => fail(`${PATIENCE / 1000} s went by`), PATIENCE)
      const settle = (envelope: Envelope) => {
        clearTimeout(timer)
        resolve(envelope)
      }
      if (this.#socket.readyState === WebSocket.CLOSED) fail('The connection is closed')
      else this.#waiters.push({ matches, resolve: settle, fail })
    })
  }

  /** The id that the server gave this session. */
  async session(): Promise<string> {
    const { payload } = await this.next({ type: 'session.welcome' })
    return (payload as { session: string }).session
  }

  /** The payload of the error that answers `ref`. */
  async errorOf(ref: string | undefined): Promise<{ code: string; message: string; retryable: boolean }> {
    const { payload } = await this.next({ type: 'error', ref })
    return payload as { code: string; message: string; retryable: boolean }
  }

  /** Resolves when the server answers a ping: everything sent before was handled, and the session lives. */
  async ping(): Promise<void> {
    const ref = `ping ${++this.#pings}`
    this.send({ type: 'session.ping', ref })
    await this.next({ type: 'session.pong', ref })
  }

  async close(code?: number, reason?: string): Promise<Closed> {
    this.#socket.close(code, reason)
    return await this.closed
  }

  #received(frame: string): void {
    this.frames.push(frame)
    const value: Envelope | Envelope[] = JSON.parse(frame)
    for (const envelope of Array.isArray(value) ? value : [value]) {
      const index = this.#waiters.findIndex(({ matches }) => matches(envelope))
      if (index < 0) this.unread.push(envelope)
      else this.#waiters.splice(index, 1)[0]!.resolve(envelope)
    }
  }
}
