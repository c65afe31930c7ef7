import type { EncodedEnvelope } from '../../src/protocol/mod.ts'
import { BODY, FIELD, FIELDS, IDENTIFIER, KIND, type Layout, layoutOf } from './layout.ts'

/** What is written besides the envelope's own fields: the opcode, and the flags below. */
export type Heading = number
/** The envelope's type goes along; most opcodes say it themselves. */
export const NAMED = 1 << 16
/** An answer is wanted although the opcode does not say so. */
export const REQUIRES_ACK = 1 << 17

const SCRATCH = 16 * 1024
/** A scratch buffer that has grown beyond this is not kept. */
const KEPT = 1024 * 1024
/** Shorter texts are copied by hand as long as they are ASCII: calling the encoder costs more. */
const SHORT = 48
/** The most that a table, its vtable and the gaps before them take. */
const TABLE = 144
/** Root offset, identifier, the frame's vtable and table, and its vector's length. */
const PREFIX = 28
/** What a `traceparent` is written as. */
const TRACE = (1 << FIELD.traceId) | (1 << FIELD.traceFlags) | (1 << FIELD.spanId)
/** Texts that neighbours often have in common, and that are written once then. */
const COMMON = [FIELD.room, FIELD.type, FIELD.emitter, FIELD.receiver, FIELD.token] as const

const encoder = new TextEncoder()

/** Tells one frame's vtables from another's; layouts are common to all writers. */
let frames = 0

/**
 * Writes frames from front to back: all tables, then what they refer to. Its buffer is used again and again, so every
 * byte of a frame must be written: what stands in a gap would otherwise be of another connection's messages.
 */
export class FrameWriter {
  #bytes = new Uint8Array(SCRATCH)
  #view = new DataView(this.#bytes.buffer)
  #end = 0
  #frame = 0
  /** Of each message its table's position and layout. */
  readonly #tables: number[] = []
  readonly #layouts: Layout[] = []
  /** By field id: the text that was written last, and where. */
  readonly #lastText = new Array<string | undefined>(FIELDS).fill(undefined)
  readonly #lastAt = new Array<number>(FIELDS).fill(0)

  /** The batch as a frame of its own. */
  write<E extends EncodedEnvelope>(batch: readonly E[], headingOf: (envelope: E) => Heading): Uint8Array<ArrayBuffer> {
    try {
      this.#start(batch.length)
      for (let i = 0; i < batch.length; i++) this.#table(i, batch[i]!, headingOf(batch[i]!))
      for (let i = 0; i < batch.length; i++) this.#contents(i, batch[i]!)
      return this.#bytes.slice(0, this.#end)
    } finally {
      this.#finish()
    }
  }

  #start(count: number): void {
    this.#frame = ++frames
    this.#end = 0
    this.#reserve(PREFIX + count * (4 + TABLE))
    const view = this.#view
    view.setUint32(0, 16, true)
    view.setUint32(4, IDENTIFIER, true)
    // The frame's vtable: its own length, the table's, where the vector's offset is; two bytes of gap.
    view.setUint32(8, 6 | (8 << 16), true)
    view.setUint32(12, 4, true)
    view.setInt32(16, 8, true)
    view.setUint32(20, 4, true)
    view.setUint32(24, count, true)
    this.#end = PREFIX + 4 * count
  }

  #finish(): void {
    this.#layouts.length = 0
    for (const field of COMMON) this.#lastText[field] = undefined
    if (this.#bytes.length <= KEPT) return
    this.#bytes = new Uint8Array(SCRATCH)
    this.#view = new DataView(this.#bytes.buffer)
  }

  #table(index: number, envelope: EncodedEnvelope, heading: Heading): void {
    const { kind, seq, ts, traceparent, parentSpan, payload } = envelope
    const kindNumber = kind === undefined
      ? KIND.event
      : kind === 'reply'
      ? KIND.reply
      : kind === 'request'
      ? KIND.request
      : KIND.event
    let mask = 1 << FIELD.opcode
    if (envelope.room !== undefined) mask |= 1 << FIELD.room
    if ((heading & NAMED) !== 0) mask |= 1 << FIELD.type
    // `{}` is what an absent body reads as.
    if (payload.length > 0 && payload !== '{}') mask |= 1 << FIELD.body
    if (typeof payload !== 'string') mask |= 1 << FIELD.bodyFormat
    if (envelope.ref !== undefined) mask |= 1 << FIELD.transactionId
    if (envelope.id !== undefined) mask |= 1 << FIELD.id
    if (isPositive(seq)) mask |= 1 << FIELD.seq
    if (isPositive(ts)) mask |= 1 << FIELD.timestamp
    if (envelope.from !== undefined) mask |= 1 << FIELD.emitter
    if ((heading & REQUIRES_ACK) !== 0) mask |= 1 << FIELD.requiresAck
    if (envelope.key !== undefined) mask |= 1 << FIELD.key
    if (kindNumber !== KIND.event) mask |= 1 << FIELD.kind
    if (envelope.to !== undefined) mask |= 1 << FIELD.receiver
    if (envelope.token !== undefined) mask |= 1 << FIELD.token
    if (traceparent !== undefined) mask |= TRACE
    if (parentSpan !== undefined) mask |= 1 << FIELD.parentSpanId

    const layout = layoutOf(mask)
    const { at } = layout
    const vtable = this.#vtable(layout)
    const table = this.#align((this.#end + 3 & ~7) + 4)
    const view = this.#view
    this.#tables[index] = table
    this.#layouts[index] = layout
    this.#refer(PREFIX + 4 * index, table)
    view.setInt32(table, table - vtable, true)
    view.setUint16(table + at[FIELD.opcode]!, heading & 0xffff, true)
    if (at[FIELD.bodyFormat] !== 0) view.setUint8(table + at[FIELD.bodyFormat]!, BODY.bytes)
    if (at[FIELD.seq] !== 0) this.#long(table + at[FIELD.seq]!, seq!)
    if (at[FIELD.timestamp] !== 0) this.#long(table + at[FIELD.timestamp]!, ts!)
    if (at[FIELD.requiresAck] !== 0) view.setUint8(table + at[FIELD.requiresAck]!, 1)
    if (at[FIELD.kind] !== 0) view.setUint8(table + at[FIELD.kind]!, kindNumber)
    if (traceparent !== undefined) {
      view.setUint8(table + at[FIELD.traceFlags]!, parseInt(traceparent.slice(53, 55), 16))
      this.#span(table + at[FIELD.spanId]!, traceparent.slice(36, 52))
    }
    if (parentSpan !== undefined) this.#span(table + at[FIELD.parentSpanId]!, parentSpan)
    this.#end = table + layout.size
  }

  /** Where the layout's vtable is; written once a frame. */
  #vtable(layout: Layout): number {
    if (layout.frame === this.#frame) return layout.position
    const position = this.#align(this.#end + 1 & ~1)
    const { vtable } = layout
    for (let i = 0; i < vtable.length; i++) this.#view.setUint16(position + 2 * i, vtable[i]!, true)
    this.#end = position + 2 * vtable.length
    layout.frame = this.#frame
    return layout.position = position
  }

  #contents(index: number, envelope: EncodedEnvelope): void {
    const { at } = this.#layouts[index]!
    const table = this.#tables[index]!
    const { payload } = envelope
    if (at[FIELD.room] !== 0) this.#refer(table + at[FIELD.room]!, this.#common(FIELD.room, envelope.room!))
    if (at[FIELD.type] !== 0) this.#refer(table + at[FIELD.type]!, this.#common(FIELD.type, envelope.type))
    if (at[FIELD.body] !== 0) {
      this.#refer(table + at[FIELD.body]!, typeof payload === 'string' ? this.#text(payload) : this.#vector(payload))
    }
    if (at[FIELD.transactionId] !== 0) this.#refer(table + at[FIELD.transactionId]!, this.#text(envelope.ref!))
    if (at[FIELD.id] !== 0) this.#refer(table + at[FIELD.id]!, this.#text(envelope.id!))
    if (at[FIELD.emitter] !== 0) this.#refer(table + at[FIELD.emitter]!, this.#common(FIELD.emitter, envelope.from!))
    if (at[FIELD.key] !== 0) this.#refer(table + at[FIELD.key]!, this.#text(envelope.key!))
    if (at[FIELD.receiver] !== 0) this.#refer(table + at[FIELD.receiver]!, this.#common(FIELD.receiver, envelope.to!))
    if (at[FIELD.token] !== 0) this.#refer(table + at[FIELD.token]!, this.#common(FIELD.token, envelope.token!))
    if (at[FIELD.traceId] !== 0) this.#refer(table + at[FIELD.traceId]!, this.#trace(envelope.traceparent!))
  }

  #refer(field: number, target: number): void {
    this.#view.setUint32(field, target - field, true)
  }

  /** A text that the message before may have had, too. */
  #common(field: number, text: string): number {
    if (this.#lastText[field] === text) return this.#lastAt[field]!
    this.#lastText[field] = text
    return this.#lastAt[field] = this.#text(text)
  }

  /** A string, or a vector of a text's bytes: the same but for the zero at the end, which is in neither's length. */
  #text(text: string): number {
    this.#reserve(text.length * 3 + 9)
    const start = this.#align(this.#end + 3 & ~3)
    const bytes = this.#bytes
    const ascii = text.length <= SHORT && copyAscii(text, bytes, start + 4)
    const length = ascii ? text.length : encoder.encodeInto(text, bytes.subarray(start + 4)).written
    this.#view.setUint32(start, length, true)
    bytes[start + 4 + length] = 0
    this.#end = start + 5 + length
    return start
  }

  #vector(source: Uint8Array): number {
    this.#reserve(source.length + 8)
    const start = this.#align(this.#end + 3 & ~3)
    this.#view.setUint32(start, source.length, true)
    this.#bytes.set(source, start + 4)
    this.#end = start + 4 + source.length
    return start
  }

  #trace(traceparent: string): number {
    this.#reserve(24)
    const start = this.#align(this.#end + 3 & ~3)
    this.#view.setUint32(start, 16, true)
    for (let i = 0; i < 16; i++) this.#bytes[start + 4 + i] = parseInt(traceparent.slice(3 + 2 * i, 5 + 2 * i), 16)
    this.#end = start + 20
    return start
  }

  #long(at: number, value: number): void {
    this.#view.setUint32(at, value % 4_294_967_296, true)
    this.#view.setUint32(at + 4, value / 4_294_967_296, true)
  }

  #span(at: number, digits: string): void {
    this.#view.setUint32(at, parseInt(digits.slice(8), 16), true)
    this.#view.setUint32(at + 4, parseInt(digits.slice(0, 8), 16), true)
  }

  /** Fills the gap up to a position with zeros. */
  #align(position: number): number {
    for (let i = this.#end; i < position; i++) this.#bytes[i] = 0
    return position
  }

  #reserve(more: number): void {
    const needed = this.#end + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** Whether it is a number that the schema can hold and that is not the one that stands for none. */
function isPositive(value: number | undefined): boolean {
  return value !== undefined && value >= 1 && value <= Number.MAX_SAFE_INTEGER
}

/** Copies a text; false, and then for the encoder, if it is not ASCII. */
function copyAscii(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return false
    bytes[at + i] = code
  }
  return true
}
