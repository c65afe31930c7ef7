import { MAX_BATCH, RotundaError } from '../../src/protocol/mod.ts'
import { FrameText } from './frame_text.ts'
import { BODY, FIELD, FIELDS, IDENTIFIER, WIDTHS } from './layout.ts'
import { readName } from './names.ts'

/** Root offset and identifier. */
const HEADER = 8
/** What the strings and trace ids of a frame may be in all, as a multiple of its length: messages may share them. */
const SHARING = 16

/**
 * Frames up to so many bytes are copied before they are read. Runtimes hand over frames that do not have an
 * `ArrayBuffer` yet; a view would make it, which costs several times a copy.
 */
const COPIED = 16 * 1024
const scratch = new Uint8Array(COPIED)
const scratchView = new DataView(scratch.buffer)
/** No vtable is there. */
const NONE = -1
/** The root table has one field, a vector. */
const FRAME_WIDTHS = [4] as const
/** Strings that are the same in many frames. */
const NAMES = (1 << FIELD.room) | (1 << FIELD.type) | (1 << FIELD.emitter) | (1 << FIELD.receiver)

/**
 * Reads frames that somebody else wrote, and trusts nothing in them: every offset and length is checked before it is
 * followed, and the work is bounded by the frame's length however often one thing in it is referred to.
 *
 * One reader serves all frames: `open`, then `message(i)` and its fields, then `close`.
 * All methods throw {RotundaError} `invalid_frame` on what is out of place.
 */
export class FrameReader {
  /** Messages in the frame. */
  count = 0
  #bytes: Uint8Array = scratch
  #view: DataView = scratchView
  #length = 0
  #vector = 0
  #table = 0
  /** The vtable read last, since most messages of a frame have the same one. */
  #vtable = NONE
  #size = 0
  /** By field id: bytes from the start of the table, 0 where it is absent. */
  readonly #at = new Uint16Array(FIELDS)
  /** By field id: where the last string of this field stands, and its text. */
  readonly #lastAt = new Array<number>(FIELDS).fill(NONE)
  readonly #lastText = new Array<string>(FIELDS).fill('')
  readonly #texts = new FrameText(scratch)
  /** Bytes of tables and bodies, and of what messages may share, that may still come. */
  #left = 0
  #sharedLeft = 0

  /** Checks what is common to all messages of a frame. */
  open(frame: Uint8Array): void {
    if (frame.length <= COPIED) scratch.set(frame)
    else {
      this.#bytes = frame
      this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    }
    this.#length = frame.length
    this.#left = frame.length
    this.#sharedLeft = frame.length * SHARING
    this.#texts.open(this.#bytes, this.#view, frame.length)
    this.#vtable = NONE
    if (frame.length < HEADER || this.#view.getUint32(4, true) !== IDENTIFIER) {
      throw malformed('It does not have the identifier RTD1 at its bytes 4 to 7.')
    }
    this.#open(this.#target(0), FRAME_WIDTHS)
    const messages = this.#at[0]!
    if (messages === 0) throw malformed('It has no messages.')
    this.#vector = this.#target(this.#table + messages)
    this.count = this.#view.getUint32(this.#vector, true)
    if (this.count === 0 || this.count > MAX_BATCH) {
      throw new RotundaError('invalid_frame', `A batch must have 1 to ${MAX_BATCH} messages, not ${this.count}.`)
    }
    this.#within(this.#vector + 4, this.count * 4)
    // A message may refer to the same one, and has other fields.
    this.#vtable = NONE
  }

  /** Lets go of the frame. */
  close(): void {
    this.#bytes = scratch
    this.#view = scratchView
    this.#texts.open(scratch, scratchView, 0)
    if (this.count > 1) {
      this.#lastAt.fill(NONE)
      this.#lastText.fill('')
    }
    this.count = 0
  }

  /** Turns to a message; what is asked for from now on is its. */
  message(index: number): void {
    this.#open(this.#target(this.#vector + 4 + 4 * index), WIDTHS)
    // Else 512 messages could be the same one.
    this.#charge(this.#size)
    this.#texts.hasBytes = this.byte(FIELD.bodyFormat) === BODY.bytes
  }

  has(field: number): boolean {
    return this.#at[field] !== 0
  }

  byte(field: number): number {
    const at = this.#at[field]!
    return at === 0 ? 0 : this.#view.getUint8(this.#table + at)
  }

  short(field: number): number {
    const at = this.#at[field]!
    return at === 0 ? 0 : this.#view.getUint16(this.#table + at, true)
  }

  /** The lower 32 bits of a long and the upper ones. */
  word(field: number, upper: 0 | 1): number {
    const at = this.#at[field]!
    return at === 0 ? 0 : this.#view.getUint32(this.#table + at + 4 * upper, true)
  }

  /** A long as a number, which is exact up to 2^53. */
  long(field: number): number {
    return this.word(field, 1) * 4_294_967_296 + this.word(field, 0)
  }

  text(field: number): string | undefined {
    const at = this.#at[field]!
    if (at === 0) return undefined
    const start = this.#target(this.#table + at)
    if (this.count > 1 && this.#lastAt[field] === start) return this.#lastText[field]
    const length = this.#view.getUint32(start, true)
    this.#within(start + 4, length + 1)
    if (this.#view.getUint8(start + 4 + length) !== 0) throw malformed('A string in it does not end with a zero.')
    this.#share(length)
    const text = this.#decode(start + 4, length, field)
    if (this.count > 1) {
      this.#lastAt[field] = start
      this.#lastText[field] = text
    }
    return text
  }

  /** The text of a vector. */
  vectorText(field: number): string | undefined {
    const at = this.#at[field]!
    if (at === 0) return undefined
    const start = this.#target(this.#table + at)
    const length = this.#view.getUint32(start, true)
    this.#within(start + 4, length)
    this.#charge(length)
    return this.#decode(start + 4, length, field)
  }

  /** The bytes of a vector: a copy, or of a large frame a view. */
  bytes(field: number): Uint8Array | undefined {
    const at = this.#at[field]!
    if (at === 0) return undefined
    const start = this.#target(this.#table + at)
    const length = this.#view.getUint32(start, true)
    this.#within(start + 4, length)
    if (field === FIELD.body) this.#charge(length)
    else this.#share(length)
    if (this.#bytes === scratch) return scratch.slice(start + 4, start + 4 + length)
    // Not `subarray`, which makes of a runtime's own kind of bytes another one of that kind.
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start + 4, length)
  }

  #decode(start: number, length: number, field: number): string {
    try {
      const name = (NAMES & (1 << field)) === 0 ? undefined : readName(this.#bytes, start, length)
      return name ?? this.#texts.read(start, length)
    } catch (cause) {
      throw malformed('A string in it is not UTF-8.', cause)
    }
  }

  /** Where an offset leads; at least the four bytes of a length or of a table's own offset are there. */
  #target(field: number): number {
    const offset = this.#view.getUint32(field, true)
    if (offset === 0) throw malformed('Something in it refers to itself.')
    this.#within(field + offset, 4)
    return field + offset
  }

  /** Reads which fields a table has, and checks that they are inside of it. */
  #open(table: number, widths: readonly number[]): void {
    const view = this.#view
    const vtable = table - view.getInt32(table, true)
    this.#table = table
    if (vtable !== this.#vtable) this.#fields(vtable, widths)
    this.#within(table, this.#size)
  }

  #fields(vtable: number, widths: readonly number[]): void {
    const view = this.#view
    if (vtable < 0) throw malformed('A table refers to something before the frame.')
    this.#within(vtable, 4)
    const length = view.getUint16(vtable, true)
    const size = view.getUint16(vtable + 2, true)
    this.#within(vtable, length)
    if (length < 4 || length % 2 !== 0 || size < 4) throw malformed('A vtable has an impossible length.')
    for (let field = 0; field < widths.length; field++) {
      const entry = 4 + 2 * field
      const at = entry + 2 <= length ? view.getUint16(vtable + entry, true) : 0
      if (at !== 0 && (at < 4 || at + widths[field]! > size)) throw malformed('A field is not inside of its table.')
      this.#at[field] = at
    }
    this.#vtable = vtable
    this.#size = size
  }

  #charge(bytes: number): void {
    this.#left -= bytes
    if (this.#left < 0) throw malformed('Messages in it share their bodies.')
  }

  /** Builders write what many messages have once. */
  #share(bytes: number): void {
    this.#sharedLeft -= bytes
    if (this.#sharedLeft < 0) throw malformed('It refers to the same strings too often.')
  }

  #within(start: number, length: number): void {
    if (start + length > this.#length) throw malformed('Something in it is not inside of it.')
  }
}

function malformed(what: string, cause?: unknown): RotundaError {
  return new RotundaError('invalid_frame', `The frame is malformed. ${what}`, cause === undefined ? {} : { cause })
}
