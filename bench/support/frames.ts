const encoder = new TextEncoder()

/** One text frame as a client sends it. The mask is zero, which RFC 6455 allows and which costs nothing. */
export function textFrame(text: string): Buffer {
  const payload = encoder.encode(text)
  const { length } = payload
  if (length > 65_535) throw new RangeError(`A frame of ${length} bytes is more than this client sends.`)
  const header = length < 126 ? [0x81, 0x80 | length] : [0x81, 0xfe, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([...header, 0, 0, 0, 0]), payload])
}

/** The answer to a ping without payload. */
export const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])

/** Told of each piece of a text frame as it arrives: from, to within the chunk, and whether the frame begins or ends. */
export interface FrameListener {
  piece(chunk: Buffer, from: number, to: number, begins: boolean, ends: boolean): void
  ping(): void
  closed(code: number): void
}

/** Reads a server's frames by their headers alone, without copying. */
export class FrameReader {
  readonly #listener: FrameListener
  #left = 0
  /** A header cut in two by the network. */
  #cut: Buffer | undefined

  constructor(listener: FrameListener) {
    this.#listener = listener
  }

  read(received: Buffer): void {
    const chunk = this.#cut === undefined ? received : Buffer.concat([this.#cut, received])
    this.#cut = undefined
    let at = 0
    if (this.#left > 0) {
      at = Math.min(this.#left, chunk.length)
      this.#left -= at
      this.#listener.piece(chunk, 0, at, false, this.#left === 0)
    }
    while (at < chunk.length) {
      const size = headerSize(chunk, at)
      if (size === 0) {
        this.#cut = chunk.subarray(at)
        return
      }
      const opcode = chunk[at]! & 15
      const length = payloadLength(chunk, at)
      const from = at + size
      if (opcode !== 1) {
        if (opcode === 8) return this.#listener.closed(length >= 2 ? chunk.readUInt16BE(from) : 1005)
        if (opcode !== 9 || length > 0) {
          throw new Error(`Frame of opcode ${opcode} and ${length} bytes was not expected.`)
        }
        this.#listener.ping()
        at = from
        continue
      }
      at = Math.min(from + length, chunk.length)
      this.#left = from + length - at
      this.#listener.piece(chunk, from, at, true, this.#left === 0)
    }
  }
}

/** Bytes before the payload; 0 while not all of them are there. */
function headerSize(chunk: Buffer, at: number): number {
  if (chunk.length - at < 2) return 0
  const short = chunk[at + 1]! & 127
  const size = short < 126 ? 2 : short === 126 ? 4 : 10
  return chunk.length - at < size ? 0 : size
}

function payloadLength(chunk: Buffer, at: number): number {
  const short = chunk[at + 1]! & 127
  return short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2))
}
