import { Frame, FRAME_OPCODE, type FrameHead, FrameScanner } from '../../src/rfc6455/mod.ts'

/** RFC 6455 allows it, and it costs nothing. */
const ZERO_MASK = new Uint8Array(4)
const LARGEST_FRAME = 64 * 1_048_576
const NO_CODE = 1005

/** One text frame as a client sends it. */
export function textFrame(text: string): Buffer {
  return Buffer.from(Frame.text(text, { maskKey: ZERO_MASK }).encode().buffer)
}

/** The answer to a ping without payload. */
export const PONG = Buffer.from(Frame.pong('', { maskKey: ZERO_MASK }).encode().buffer)

/** Who receives a server's frames. */
export interface FrameListener {
  /** Told of each piece of a text frame as it arrives: from, to within the chunk, and whether the frame begins or ends. */
  onPiece(chunk: Buffer, from: number, to: number, begins: boolean, ends: boolean): void
  onPing(): void
  onClosed(code: number): void
}

/** Reads a server's frames by their heads alone, without copying. */
export function frameScanner(listener: FrameListener): FrameScanner<Buffer> {
  let closeCode = 0
  const onControl = ({ opcode, length }: FrameHead, piece: Buffer, offset: number, ends: boolean) => {
    if (opcode === FRAME_OPCODE.ping && length === 0) return listener.onPing()
    if (opcode !== FRAME_OPCODE.close) {
      throw new Error(`Frame of opcode ${opcode} and ${length} bytes was not expected.`)
    }
    for (let i = 0; i < piece.length && offset + i < 2; i++) closeCode = closeCode << 8 | piece[i]!
    if (ends) listener.onClosed(length >= 2 ? closeCode : NO_CODE)
  }
  return new FrameScanner((head, chunk, from, to, offset) => {
    const ends = offset + to - from === head.length
    if (head.opcode === FRAME_OPCODE.text) listener.onPiece(chunk, from, to, offset === 0, ends)
    else onControl(head, chunk.subarray(from, to), offset, ends)
  }, { role: 'client', maxFrameSize: LARGEST_FRAME })
}
