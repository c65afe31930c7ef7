import {
  type EncodedEnvelope,
  isTraceparent,
  MAX_BATCH,
  OPCODES,
  type Payload,
  quote,
  RotundaError,
} from '../../src/protocol/mod.ts'
import { DEFAULT_TYPE } from './codec.ts'
import { BODY, FIELD } from './layout.ts'
import { FrameReader } from './reader.ts'
import { traceFields } from './trace_ids.ts'
import { FrameWriter, type Heading, NAMED, REQUIRES_ACK } from './writer.ts'

/** Answer to, prove and trace a message of a tool. */
export interface FrameOptions {
  /** Repeated in the answer. At most 64 UTF-16 code units. */
  readonly transactionId?: string | undefined
  /** Whether a publish, send or broadcast is answered; needs a transaction id. Default false. */
  readonly requiresAck?: boolean | undefined
  /** What the sender proves itself with. */
  readonly token?: string | undefined
  /** Where it belongs in a trace: a W3C `traceparent`. */
  readonly traceparent?: string | undefined
  /** The span that the sender's own belongs to: 16 hexadecimal digits. Only with a `traceparent`. */
  readonly parentSpan?: string | undefined
}

/** How an event is sent. */
export interface EventFrameOptions extends FrameOptions {
  /** The event's name. Default `message`. */
  readonly type?: string | undefined
  /** Producer key: the same key in the same room is the same message. */
  readonly key?: string | undefined
}

/** One message of a frame, field by field as rotunda.fbs has it. */
export interface FrameMessage extends EventFrameOptions {
  /** 1 to 65,535; see `OPCODES`. */
  readonly opcode: number
  /** Default `event`. */
  readonly kind?: 'event' | 'reply' | 'request' | undefined
  readonly room?: string | undefined
  /** The text of a JSON value, or bytes. Absent reads as `{}`. */
  readonly body?: Payload | undefined
  readonly id?: string | undefined
  readonly seq?: number | undefined
  /** Milliseconds since 1970. */
  readonly timestamp?: number | undefined
  /** The session it came from. */
  readonly emitter?: string | undefined
  /** The session it is sent to. */
  readonly receiver?: string | undefined
}

const KINDS = ['event', 'reply', 'request'] as const

const writer = new FrameWriter()
const reader = new FrameReader()

interface Outgoing extends EncodedEnvelope {
  readonly heading: Heading
}

/**
 * A frame that publishes to a room.
 * @param channel The room.
 * @param payload Bytes stay bytes; anything else is sent as JSON.
 * @throws {RotundaError} `invalid_payload` for what JSON cannot say, `invalid_frame` for options that contradict.
 * @example
 * ```ts
 * socket.send(buildPublish('africa', { text: 'Hello!' }, { type: 'chat.message', transactionId: '1', requiresAck: true }))
 * ```
 */
export function buildPublish(
  channel: string,
  payload: unknown,
  options: EventFrameOptions = {},
): Uint8Array<ArrayBuffer> {
  return event({ opcode: OPCODES.publish, room: channel, body: bodyOf(payload) }, options)
}

/**
 * A frame that sends to one session.
 * @param receiver Its id.
 * @param emitter The sender's session id. A server puts the true one in its place.
 * @throws {RotundaError} as {@link buildPublish}
 */
export function buildSend(
  receiver: string,
  emitter: string | undefined,
  payload: unknown,
  options: EventFrameOptions = {},
): Uint8Array<ArrayBuffer> {
  return event({ opcode: OPCODES.send, receiver, emitter, body: bodyOf(payload) }, options)
}

/**
 * A frame that sends to everybody.
 * @throws {RotundaError} as {@link buildPublish}
 */
export function buildBroadcast(payload: unknown, options: EventFrameOptions = {}): Uint8Array<ArrayBuffer> {
  return event({ opcode: OPCODES.broadcast, body: bodyOf(payload) }, options)
}

/**
 * A frame without a body: what an opcode alone says, such as a ping, or an answer that something was done.
 * @throws {RotundaError} as {@link buildFrame}
 */
export function buildEmpty(
  opcode: number,
  options: Omit<FrameMessage, 'opcode' | 'body'> = {},
): Uint8Array<ArrayBuffer> {
  return buildFrame({ ...options, opcode })
}

/**
 * A frame of 1 to 512 messages.
 * @throws {RotundaError} `invalid_frame` for what cannot be said in a frame.
 */
export function buildFrame(...messages: readonly FrameMessage[]): Uint8Array<ArrayBuffer> {
  if (messages.length === 0 || messages.length > MAX_BATCH) {
    throw new RotundaError('invalid_frame', `A frame has 1 to ${MAX_BATCH} messages, not ${messages.length}.`)
  }
  return writer.write(messages.map(outgoing), ({ heading }) => heading)
}

/**
 * The messages of a frame as they are in it, without what a hub asks of them. Bodies may be views of the frame.
 * @throws {RotundaError} `invalid_frame` when it is malformed.
 */
export function readFrame(frame: Uint8Array): FrameMessage[] {
  try {
    reader.open(frame)
    return Array.from({ length: reader.count }, (_, i) => {
      reader.message(i)
      return incoming()
    })
  } finally {
    reader.close()
  }
}

function event(message: FrameMessage, options: EventFrameOptions): Uint8Array<ArrayBuffer> {
  return buildFrame({ ...options, ...message, type: options.type ?? DEFAULT_TYPE })
}

function bodyOf(payload: unknown): Payload {
  if (payload instanceof Uint8Array) return payload
  try {
    const text: string | undefined = JSON.stringify(payload)
    if (text !== undefined) return text
  } catch (cause) {
    throw new RotundaError('invalid_payload', 'The payload cannot be written as JSON.', { cause })
  }
  throw new RotundaError('invalid_payload', `The payload cannot be written as JSON: it is ${typeof payload}.`)
}

function outgoing(message: FrameMessage): Outgoing {
  const { opcode, kind, transactionId, traceparent, parentSpan } = message
  if (!Number.isInteger(opcode) || opcode < 1 || opcode > 0xffff) throw wrong('An opcode', opcode, 'be 1 to 65535')
  if (message.requiresAck === true && transactionId === undefined) {
    throw wrong('transactionId', transactionId, 'be given when requiresAck is')
  }
  if (traceparent !== undefined && !isTraceparent(traceparent)) throw wrong('traceparent', traceparent, 'be one')
  if (parentSpan !== undefined && !/^[\da-f]{16}$/.test(parentSpan)) {
    throw wrong('parentSpan', parentSpan, 'be 16 hexadecimal digits')
  }
  const { type, room, body = '{}', id, seq, timestamp: ts, emitter: from, receiver: to, key, token } = message
  const heading = opcode | (type === undefined ? 0 : NAMED) | (message.requiresAck === true ? REQUIRES_ACK : 0)
  const fields = { room, ref: transactionId, id, seq, ts, from, key, kind, to, token, traceparent, parentSpan }
  // What is absent is undefined to the writer, too.
  return { heading, type: type ?? '', payload: body, ...fields as Partial<EncodedEnvelope> }
}

function incoming(): FrameMessage {
  const { traceparent, parentSpan } = traceFields(reader)
  const isBytes = reader.byte(FIELD.bodyFormat) === BODY.bytes
  const all: FrameMessage = {
    opcode: reader.short(FIELD.opcode),
    kind: KINDS[reader.byte(FIELD.kind)],
    room: reader.text(FIELD.room),
    type: reader.text(FIELD.type),
    body: isBytes ? reader.bytes(FIELD.body) ?? new Uint8Array(0) : reader.vectorText(FIELD.body),
    transactionId: reader.text(FIELD.transactionId),
    requiresAck: reader.byte(FIELD.requiresAck) !== 0,
    id: reader.text(FIELD.id),
    seq: reader.has(FIELD.seq) ? reader.long(FIELD.seq) : undefined,
    timestamp: reader.has(FIELD.timestamp) ? reader.long(FIELD.timestamp) : undefined,
    emitter: reader.text(FIELD.emitter),
    receiver: reader.text(FIELD.receiver),
    key: reader.text(FIELD.key),
    token: reader.text(FIELD.token),
    traceparent,
    parentSpan,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as unknown as FrameMessage
}

function wrong(what: string, value: unknown, rule: string): RotundaError {
  return new RotundaError('invalid_frame', `${what} ${quote(value)} must ${rule}.`)
}
