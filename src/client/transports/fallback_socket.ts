import type { Clock } from '../clock.ts'
import type { Record } from './record.ts'
import type { Transport, TransportSocket } from './transport.ts'

/** What one attempt to connect goes by. */
export interface Attempt {
  readonly transports: readonly Transport[]
  readonly record: Record
  readonly clock: Clock
  /** How long a transport may take until the welcome while there is another, in milliseconds. */
  readonly patience: number
  /** How long a silence means that it is dead. */
  readonly silence: number
  opened(index: number): void
  ended(): void
}

/** One attempt to connect, over the first transport that can: to a client it is a WebSocket. */
export class FallbackSocket extends EventTarget implements TransportSocket {
  binaryType = 'arraybuffer'
  onmessage: TransportSocket['onmessage'] = null
  onclose: TransportSocket['onclose'] = null
  onerror: TransportSocket['onerror'] = null
  readonly #attempt: Attempt
  readonly #url: string
  readonly #protocols: string[]
  readonly #first: number
  #index: number
  #socket!: TransportSocket
  #isOpen = false
  #isOver = false
  #heardAt = 0
  #cancel = () => {}

  /** @param ready One that is open already. */
  constructor(attempt: Attempt, url: string, protocols: string[], ready?: ReadySocket) {
    super()
    this.#attempt = attempt
    this.#url = url
    this.#protocols = protocols
    this.#first = this.#index = attempt.record.index
    if (ready === undefined) this.#try(this.#index)
    else this.#adopt(ready)
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  send(frame: string): void {
    this.#socket.send(frame)
  }

  close(code?: number, reason?: string): void {
    const { record, clock, silence } = this.#attempt
    if (this.#isOver) return
    if (this.#isOpen && clock.now() - this.#heardAt >= silence) record.fellSilent(this.#index)
    this.#over()
    this.#socket.close(code, reason)
    this.dispatchEvent(new Event('close'))
  }

  /** Tells the client something as if it had come from the server. */
  tell(data: string): void {
    this.onmessage?.({ data })
  }

  #try(index: number): void {
    const { transports, clock, patience, record } = this.#attempt
    this.#index = index
    const socket = transports[index]!.open(this.#url, this.#protocols)
    this.#listen(socket)
    if (record.next(index) !== this.#first) {
      this.#cancel = clock.after(patience, () => {
        socket.close()
        this.#failed(socket, 1006, '')
      })
    }
  }

  #adopt({ socket, frames, isClosed }: ReadySocket): void {
    this.#listen(socket)
    queueMicrotask(() => {
      frames.forEach((data) => this.#receive(socket, data))
      if (isClosed) this.#failed(socket, 1006, '')
    })
  }

  #listen(socket: TransportSocket): void {
    this.#socket = socket
    socket.binaryType = this.binaryType
    socket.onmessage = ({ data }) => this.#receive(socket, data)
    socket.onclose = ({ code, reason }) => this.#failed(socket, code, reason)
    socket.onerror = () => {
      if (!this.#isOpen) this.#failed(socket, 1006, '')
    }
  }

  #receive(socket: TransportSocket, data: string | ArrayBuffer): void {
    if (this.#isOver || socket !== this.#socket) return
    this.#heardAt = this.#attempt.clock.now()
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#cancel()
      this.#attempt.opened(this.#index)
    }
    this.onmessage?.({ data })
  }

  #failed(socket: TransportSocket, code: number, reason: string): void {
    if (this.#isOver || socket !== this.#socket) return
    this.#cancel()
    const { record } = this.#attempt
    // Deno says 0 of a connection that broke.
    if (this.#isOpen) record.ended(this.#index, code === 1006 || code === 0)
    else if (record.failed(this.#index)) {
      const next = record.next(this.#index)
      if (next !== this.#first) return this.#try(next)
      record.forgive()
    }
    this.#over()
    const event = Object.assign(new Event('close'), { code, reason })
    this.onclose?.(event)
    this.dispatchEvent(event)
  }

  #over(): void {
    this.#isOver = true
    this.#cancel()
    if (this.#isOpen) this.#attempt.ended()
  }
}

/** A socket that is open, and what came over it so far: the welcome first. */
export interface ReadySocket {
  readonly socket: TransportSocket
  readonly frames: readonly (string | ArrayBuffer)[]
  /** Whether it was lost in the meantime. */
  readonly isClosed: boolean
}
