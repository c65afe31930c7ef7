import {
  type Codec,
  type Decoded,
  type EncodedEnvelope,
  type Envelope,
  type Frame,
  holdsPrototypeKey,
  MAX_REF,
  opcodeOf,
  OPCODES,
  quote,
  RotundaError,
  typeOf,
} from '../../src/protocol/mod.ts'
import { BODY, FIELD, KIND } from './layout.ts'
import { FrameReader } from './reader.ts'
import { traceFields } from './trace_ids.ts'
import { FrameWriter, type Heading, NAMED, REQUIRES_ACK } from './writer.ts'

/** The subprotocol of FlatBuffers frames. */
export const FLATBUFFERS_SUBPROTOCOL = 'rotunda.v1.flatbuffers'

/** The type of a publish, send or broadcast that names none. */
export const DEFAULT_TYPE = 'message'

/**
 * Binary frames as `rotunda.fbs` describes them. Given to a hub they are spoken with who asks for the subprotocol
 * `rotunda.v1.flatbuffers`; given to a client they are what it speaks.
 *
 * A payload of bytes that was decoded from a frame of more than 16 KiB is a view of that frame, not a copy: it keeps the
 * whole frame in memory, and changing it changes the frame. `decode` never throws, and takes no more time and memory
 * than the frame is long, whatever is in it.
 *
 * @example
 * ```ts
 * const hub = createHub({ protocol: chat, codecs: [flatbuffers] })
 * const client = createClient({ url: 'ws://localhost:8080/ws', protocol: chat, codec: flatbuffers })
 * ```
 */
export const flatbuffers: Codec = {
  name: 'flatbuffers',
  subprotocol: FLATBUFFERS_SUBPROTOCOL,
  encode: (batch) => writer.write(batch, headingOf),
  decode,
}

// One of each is enough: they work without pause.
const writer = new FrameWriter()
const reader = new FrameReader()

/** Types come in runs, of an application's few. */
let lastType = ''
let lastOpcode: number | undefined

function headingOf({ type, to, ref, kind }: EncodedEnvelope): Heading {
  if (type !== lastType) {
    lastOpcode = opcodeOf(type)
    lastType = type
  }
  if (lastOpcode !== undefined) return lastOpcode
  const opcode = to === undefined ? OPCODES.publish : to === '*' ? OPCODES.broadcast : OPCODES.send
  const requiresAck = ref !== undefined && kind !== 'reply' && kind !== 'request'
  return opcode | NAMED | (requiresAck ? REQUIRES_ACK : 0)
}

function decode(frame: Frame): Decoded[] {
  if (typeof frame === 'string') {
    return [wrong('A text frame needs a text subprotocol; send FlatBuffers as binary.')]
  }
  try {
    reader.open(frame)
    const decoded: Decoded[] = []
    for (let i = 0; i < reader.count; i++) {
      reader.message(i)
      decoded.push(message())
    }
    return decoded
  } catch (error) {
    // Nothing of a frame is believed that is malformed anywhere.
    if (error instanceof RotundaError) return [{ error }]
    return [{ error: new RotundaError('invalid_frame', 'The frame is malformed.', { cause: error }) }]
  } finally {
    reader.close()
  }
}

/** The reader's message as an envelope, or what is wrong with it. */
function message(): Decoded {
  const format = reader.byte(FIELD.bodyFormat)
  // First, since most writers put it before what else is read here, and texts are decoded from the first one on.
  const json = format === BODY.json ? reader.vectorText(FIELD.body) : undefined
  const transaction = reader.text(FIELD.transactionId)
  if (transaction !== undefined && transaction.length > MAX_REF) {
    return wrong(`"transaction_id" must have at most ${MAX_REF} characters.`)
  }
  const opcode = reader.short(FIELD.opcode)
  const named = opcode === OPCODES.publish || opcode === OPCODES.send || opcode === OPCODES.broadcast
  const type = named ? reader.text(FIELD.type) ?? DEFAULT_TYPE : typeOf(opcode)
  if (type === undefined) {
    return { error: new RotundaError('unknown_type', `Opcode ${opcode} is not known.`), ref: transaction }
  }
  if (type === '') return wrong('"type" must not be empty.', transaction)
  const kind = reader.byte(FIELD.kind)
  if (kind > KIND.request) return wrong(`"kind" must be 0 to ${KIND.request}, not ${kind}.`, transaction)
  const requiresAck = reader.byte(FIELD.requiresAck) !== 0
  if (requiresAck && transaction === undefined) return wrong('"requires_ack" needs a "transaction_id".')
  const to = opcode === OPCODES.broadcast ? '*' : reader.text(FIELD.receiver)
  if (opcode === OPCODES.send && to === undefined) return wrong('A Send needs a "receiver".', transaction)

  const seq = reader.long(FIELD.seq)
  const ts = reader.long(FIELD.timestamp)
  if (seq > Number.MAX_SAFE_INTEGER || ts > Number.MAX_SAFE_INTEGER) {
    return wrong('"seq" and "timestamp" must be below 2^53.', transaction)
  }

  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = { type, payload: undefined }
  const problem = readBody(envelope, format, json)
  if (problem !== undefined) return { error: problem, ref: transaction }
  const room = reader.text(FIELD.room)
  if (room !== undefined) envelope.room = room
  const isAnswered = !named || kind !== KIND.event || requiresAck
  if (transaction !== undefined && isAnswered) envelope.ref = transaction
  const key = reader.text(FIELD.key)
  if (key !== undefined) envelope.key = key
  if (kind !== KIND.event) envelope.kind = kind === KIND.reply ? 'reply' : 'request'
  const id = reader.text(FIELD.id)
  if (id !== undefined) envelope.id = id
  if (seq !== 0) envelope.seq = seq
  if (ts !== 0) envelope.ts = ts
  const from = reader.text(FIELD.emitter)
  if (from !== undefined) envelope.from = from
  if (to !== undefined) envelope.to = to
  const token = reader.text(FIELD.token)
  if (token !== undefined) envelope.token = token
  if (reader.has(FIELD.traceId)) Object.assign(envelope, traceFields(reader))
  return { envelope }
}

/** Gives the envelope its payload; returns what keeps it from that. */
function readBody(envelope: { payload: unknown }, format: number, text: string | undefined): RotundaError | undefined {
  if (format === BODY.bytes) {
    envelope.payload = reader.bytes(FIELD.body) ?? new Uint8Array(0)
    return
  }
  if (format !== BODY.json) return new RotundaError('invalid_frame', `"body_format" ${format} is not known.`)
  if (text === undefined || text === '') {
    envelope.payload = {}
    return
  }
  try {
    envelope.payload = JSON.parse(text)
  } catch (cause) {
    return new RotundaError('invalid_json', `The body ${quote(text)} is not JSON.`, { cause })
  }
  if (!holdsPrototypeKey(text, envelope.payload)) return
  return new RotundaError('invalid_frame', 'A key named "__proto__" is not allowed.')
}

function wrong(message: string, ref?: string): Decoded {
  return { error: new RotundaError('invalid_frame', message), ref }
}
