import { textFrame } from './frames.ts'
import { LogReader } from './log_reader.ts'
import { FAN_ROOM } from './messages.ts'
import { connectMany, type RawSocket, type Target } from './socket.ts'

/** Who receives: from a bare server each frame is a message, as are ephemeral ones of the product. */
export type Counting = 'frames' | 'log'

/** Many connections that only count what they receive. */
export class Subscribers {
  /** Messages received by all of them together. */
  deliveries = 0
  /** Messages received by the first of them. */
  firsts = 0
  onFirst: () => void = () => {}
  readonly #sockets: RawSocket[]
  #target = 0
  #reached: () => void = () => {}

  private constructor(sockets: RawSocket[]) {
    this.#sockets = sockets
  }

  /** Connects them, and makes them join the room when the server is the product. */
  static async connect(count: number, target: Target, product: boolean, counting: Counting): Promise<Subscribers> {
    const answered = new Set<RawSocket>()
    const sockets = await connectMany(count, target, (socket) => {
      socket.onPiece = (chunk, from, to) => {
        if (chunk.subarray(from, to).includes('"room.joined"')) answered.add(socket)
      }
    })
    if (product) {
      const join = textFrame(`{"type":"room.join","room":"${FAN_ROOM}","payload":{}}`)
      for (const socket of sockets) socket.send(join)
      while (answered.size < count) await Bun.sleep(10)
    }
    const subscribers = new Subscribers(sockets)
    sockets.forEach((socket, i) => {
      const reader = counting === 'log' ? new LogReader(0, i === 0) : undefined
      socket.onPiece = (chunk, from, to, begins, ends) => {
        const messages = reader === undefined ? Number(ends) : reader.piece(chunk, from, to, begins, ends)
        if (messages === 0) return
        if (i === 0) {
          subscribers.firsts += messages
          subscribers.onFirst()
        }
        subscribers.#count(messages)
      }
    })
    return subscribers
  }

  get size(): number {
    return this.#sockets.length
  }

  /** Resolves when all of them together have received so many messages in all. */
  reached(deliveries: number): Promise<void> {
    this.#target = deliveries
    return new Promise((resolve) => {
      this.#reached = resolve
      this.#count(0)
    })
  }

  #count(messages: number): void {
    this.deliveries += messages
    if (this.#target > 0 && this.deliveries >= this.#target) {
      this.#target = 0
      this.#reached()
    }
  }
}
