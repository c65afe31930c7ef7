import { decodeText } from './decode_text.ts'

/** Most bytes of a frame that are decoded together. */
const REACH = 4_096
/** The same where bytes lie between the texts, which would be decoded for nothing. */
const SHORT_REACH = 64
/** How many views are kept. */
const VIEWS = 1_024
/** Set in one of four bytes that is not ASCII. */
const NOT_ASCII = 0x8080_8080

const decoder = new TextDecoder()

/**
 * The texts of a frame. Calling a decoder costs more than decoding, and a frame has many short texts: so what is ASCII
 * from a text on is decoded at once, and the texts after it are cut from that. Others are decoded one by one.
 *
 * A text that was cut out keeps what it was cut from in memory, at most 4 KiB.
 */
export class FrameText {
  #view: DataView = new DataView(new ArrayBuffer(0))
  #bytes: Uint8Array = new Uint8Array()
  #length = 0
  #reach = REACH
  /** What was decoded last, and where it is. */
  #run = ''
  #start = 0
  #end = 0
  /** Bytes that may still be decoded ahead: texts in an odd order must not make that quadratic. */
  #left = 0
  readonly #views = new Map<number, Uint8Array>()
  /** The one buffer of which views are worth keeping. */
  readonly #kept: Uint8Array

  /** @param kept What small frames are copied to. */
  constructor(kept: Uint8Array) {
    this.#kept = kept
  }

  /** Turns to a frame; `view` is of the same bytes, of which `length` are the frame's. */
  open(bytes: Uint8Array, view: DataView, length: number): void {
    this.#bytes = bytes
    this.#view = view
    this.#length = length
    this.#left = 2 * length
    this.close()
  }

  /** Lets go of what was decoded. */
  close(): void {
    this.#run = ''
    this.#start = this.#end = 0
  }

  /** Whether the next texts have bytes between them. */
  set hasBytes(has: boolean) {
    this.#reach = has ? SHORT_REACH : REACH
  }

  /**
   * The text of some bytes, which must be inside of the frame.
   * @throws {TypeError} when they are not UTF-8.
   */
  read(start: number, length: number): string {
    const end = start + length
    if (start < this.#start || end > this.#end) {
      if (this.#left < length || !this.#decodeFrom(start, end)) return decodeText(this.#bytes.subarray(start, end))
    }
    return this.#run.slice(start - this.#start, end - this.#start)
  }

  /** Decodes what is ASCII from a text on; false if the text is not. */
  #decodeFrom(start: number, end: number): boolean {
    const view = this.#view
    const limit = Math.max(end, Math.min(start + this.#reach, this.#length))
    let to = start
    while (to + 4 <= limit && (view.getUint32(to) & NOT_ASCII) === 0) to += 4
    while (to < limit && view.getUint8(to) < 0x80) to += 1
    this.#left -= to - start
    if (to < end) return false
    this.#run = decoder.decode(this.#slice(start, to))
    this.#start = start
    this.#end = to
    return true
  }

  /** Frames of one kind have their texts in the same places, and a view costs as much as a short text. */
  #slice(start: number, end: number): Uint8Array {
    if (this.#bytes !== this.#kept) return this.#bytes.subarray(start, end)
    const place = start * this.#kept.length + end
    let view = this.#views.get(place)
    if (view === undefined) {
      if (this.#views.size >= VIEWS) this.#views.clear()
      this.#views.set(place, view = this.#bytes.subarray(start, end))
    }
    return view
  }
}
