import type { FrameError } from './frame_error.ts'
import { FrameHead, MAX_HEAD_SIZE, readHead } from './frame_head.ts'
import { type CheckedRules, checkedRules, type FrameRules, headError } from './frame_rules.ts'

/**
 * Told of each piece of a payload as it arrives; of an empty payload, once. What it throws passes through `read`, after
 * which the scanner cannot be used.
 *
 * @param head Of the frame; overwritten by the next one.
 * @param chunk What was given to `read`. The piece is its bytes `from` up to `to`, still masked where the frame is.
 * @param offset Where in the payload the piece begins. The frame ends where `offset + to - from` is `head.length`.
 */
export type PieceListener<Chunk extends Uint8Array = Uint8Array> = (
  head: FrameHead,
  chunk: Chunk,
  from: number,
  to: number,
  offset: number,
) => void

/**
 * Finds the frames in what a connection receives, however it is split, without copying or keeping a payload.
 *
 * @example
 * ```ts
 * let messages = 0
 * const scanner = new FrameScanner((head, _chunk, from, to, offset) => {
 *   if (head.opcode === FRAME_OPCODE.text && offset + to - from === head.length) messages += 1
 * })
 * socket.on('data', (chunk) => scanner.read(chunk))
 * ```
 */
export class FrameScanner<Chunk extends Uint8Array = Uint8Array> {
  readonly #listener: PieceListener<Chunk>
  readonly #rules: CheckedRules
  readonly #head = new FrameHead()
  /** A head cut in two by the network: what there is of it. */
  readonly #cut = new Uint8Array(MAX_HEAD_SIZE)
  #cutSize = 0
  /** Bytes of the payload still to come. */
  #left = 0
  #error: FrameError | undefined

  /** @throws {RotundaError} `invalid_config` */
  constructor(listener: PieceListener<Chunk>, rules: FrameRules = {}) {
    this.#listener = listener
    this.#rules = checkedRules(rules)
  }

  /** Whether the last frame has ended, and no part of another was seen. */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#cutSize === 0
  }

  /** Takes the next bytes. Gives the first violation of the rules; after it nothing is read any more. */
  read(chunk: Chunk): FrameError | undefined {
    if (this.#error !== undefined) return this.#error
    const head = this.#head
    const end = chunk.length
    let at = this.#left > 0 ? this.#piece(chunk, 0, end) : 0
    while (at < end) {
      const from = this.#cutSize > 0 ? this.#readCut(chunk, at) : at + readHead(chunk, at, end, head)
      if (from === at) {
        this.#keep(chunk, at)
        return undefined
      }
      this.#error = headError(head, this.#rules)
      if (this.#error !== undefined) return this.#error
      this.#left = head.length
      at = this.#piece(chunk, from, end)
    }
    return undefined
  }

  #piece(chunk: Chunk, from: number, end: number): number {
    const left = this.#left
    const to = left < end - from ? from + left : end
    this.#left = left - (to - from)
    this.#listener(this.#head, chunk, from, to, this.#head.length - left)
    return to
  }

  /** Where the payload begins; the same place where the head is cut a second time. */
  #readCut(chunk: Chunk, at: number): number {
    const before = this.#cutSize
    const more = Math.min(chunk.length - at, MAX_HEAD_SIZE - before)
    this.#cut.set(chunk.subarray(at, at + more), before)
    const size = readHead(this.#cut, 0, before + more, this.#head)
    if (size === 0) return at
    this.#cutSize = 0
    return at + size - before
  }

  #keep(chunk: Chunk, at: number): void {
    this.#cut.set(chunk.subarray(at), this.#cutSize)
    this.#cutSize += chunk.length - at
  }
}
