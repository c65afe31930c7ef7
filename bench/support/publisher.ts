import { textFrame } from './frames.ts'
import { PAYLOAD } from './messages.ts'
import { RawSocket, type Target } from './socket.ts'

const DIGITS = 10
const REF = '"ref":"'

/** One client that publishes durable messages, each with a producer key and an ack. */
export class Publisher {
  acked = 0
  onAcked: (count: number) => void = () => {}
  readonly #socket: RawSocket
  readonly #template: Buffer
  readonly #numbers: readonly [number, number]
  #sent = 0
  #frame: Buffer = Buffer.alloc(0)

  private constructor(socket: RawSocket, name: string, room: string) {
    this.#socket = socket
    const zero = '0'.repeat(DIGITS)
    const head = `{"type":"chat.message","room":"${room}","ref":"${zero}","key":"${name}:${zero}","payload":`
    this.#template = textFrame(`${head}${PAYLOAD}}`)
    const ref = this.#template.indexOf(zero)
    this.#numbers = [ref, this.#template.indexOf(zero, ref + DIGITS)]
    socket.onPiece = (chunk, from, to, begins, ends) => this.#read(chunk.subarray(from, to), begins, ends)
  }

  static async connect(target: Target, name: string, room: string): Promise<Publisher> {
    return new Publisher(await RawSocket.connect(target), name, room)
  }

  /** Sends so many messages, a frame each, in one write. */
  publish(count: number): void {
    const { length } = this.#template
    const frames = Buffer.allocUnsafe(count * length)
    for (let i = 0; i < count; i++) {
      this.#sent += 1
      this.#template.copy(frames, i * length)
      for (const at of this.#numbers) writeNumber(frames, i * length + at, this.#sent)
    }
    this.#socket.send(frames)
  }

  end(): void {
    this.#socket.end()
  }

  /** Messages are acknowledged in the order in which they were sent, so the last ref of a frame tells how many are. */
  #read(piece: Buffer, begins: boolean, ends: boolean): void {
    this.#frame = begins ? piece : Buffer.concat([this.#frame, piece])
    if (!ends) return
    const frame = this.#frame
    if (frame.includes('"type":"error"')) throw new Error(`A publish was refused: ${frame.toString().slice(0, 300)}`)
    const at = frame.lastIndexOf(REF)
    if (at < 0) return
    const acked = Number(frame.subarray(at + REF.length, at + REF.length + DIGITS).toString())
    const count = acked - this.acked
    this.acked = acked
    this.onAcked(count)
  }
}

function writeNumber(into: Buffer, at: number, value: number): void {
  for (let i = at + DIGITS - 1; i >= at; i--) {
    into[i] = 48 + value % 10
    value = Math.floor(value / 10)
  }
}
