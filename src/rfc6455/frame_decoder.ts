import type { FrameError } from './frame_error.ts'
import { Frame } from './frame.ts'
import type { FrameHead } from './frame_head.ts'
import type { FrameRules } from './frame_rules.ts'
import { FrameScanner } from './frame_scanner.ts'
import { Gathered } from './gathered.ts'
import { applyMask } from './mask.ts'

/** What some bytes completed. */
export interface DecodedFrames {
  /** In the order in which they came; those before the error, too. */
  readonly frames: Frame[]
  /** What was wrong with the frame after them; close the connection with its `closeCode`. */
  readonly error: FrameError | undefined
}

/**
 * Reads the frames of a connection, however its bytes are split. It never throws at what it reads, and takes no memory
 * because a frame's head promises much.
 *
 * @example
 * ```ts
 * const decoder = new FrameDecoder({ role: 'server', maxFrameSize: 65_536 })
 * socket.on('data', (chunk) => {
 *   const { frames, error } = decoder.decode(chunk)
 *   for (const frame of frames) handle(frame)
 *   if (error !== undefined) socket.end(Frame.close(error.closeCode, error.message).encode())
 * })
 * ```
 */
export class FrameDecoder {
  readonly #scanner: FrameScanner
  readonly #partial = new Gathered()
  #frames: Frame[] = []

  /** @throws {RotundaError} `invalid_config` */
  constructor(rules: FrameRules = {}) {
    this.#scanner = new FrameScanner(
      (head, chunk, from, to, offset) => this.#piece(head, chunk, from, to, offset),
      rules,
    )
  }

  /** Whether the last frame has ended, and no part of another was seen. A connection that ends elsewhere was cut. */
  get isBetweenFrames(): boolean {
    return this.#scanner.isBetweenFrames
  }

  /** Bytes of memory held for a frame that is not complete: at most twice what has arrived, and `maxFrameSize`. */
  get heldBytes(): number {
    return this.#partial.held
  }

  /** Takes the next bytes. Payloads are copies. After an error there are no more frames, and the error again. */
  decode(chunk: Uint8Array): DecodedFrames {
    const error = this.#scanner.read(chunk)
    const frames = this.#frames
    this.#frames = []
    return { frames, error }
  }

  #piece(head: FrameHead, chunk: Uint8Array, from: number, to: number, offset: number): void {
    const { length } = head
    this.#partial.append(chunk, from, to, length)
    if (offset + to - from < length) return
    const { fin, rsv1, rsv2, rsv3, opcode } = head
    const payload = this.#partial.take()
    const maskKey = head.masked ? head.maskKey.slice() : undefined
    if (maskKey !== undefined) applyMask(payload, maskKey)
    this.#frames.push(new Frame({ fin, rsv1, rsv2, rsv3, opcode, payload, maskKey }))
  }
}
