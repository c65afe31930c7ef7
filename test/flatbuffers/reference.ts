import { Builder, ByteBuffer, Encoding, type Offset } from 'flatbuffers'
import type { FrameMessage } from '../../adapters/flatbuffers/mod.ts'
import { BodyFormat } from '../../adapters/flatbuffers/generated/body_format.ts'
import { Frame } from '../../adapters/flatbuffers/generated/frame.ts'
import { Message } from '../../adapters/flatbuffers/generated/message.ts'

const KINDS = ['event', 'reply', 'request'] as const
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A frame as the code that flatc generates reads it. It trusts the frame, and may throw at a malformed one. */
export function referenceRead(frame: Uint8Array): FrameMessage[] {
  const root = Frame.getRootAsFrame(new ByteBuffer(frame))
  return Array.from({ length: root.messagesLength() }, (_, i) => fieldsOf(root.messages(i)!))
}

/** Not the library's own, which drops a byte order mark at the start. */
function text(bytes: string | Uint8Array | null): string | null {
  return bytes === null ? null : decoder.decode(bytes as Uint8Array)
}

function fieldsOf(message: Message): FrameMessage {
  const isBytes = message.bodyFormat() === BodyFormat.Bytes
  const bytes = message.bodyArray()
  const all = {
    opcode: message.opcode(),
    kind: KINDS[message.kind()],
    room: text(message.room(Encoding.UTF8_BYTES)),
    type: text(message.type(Encoding.UTF8_BYTES)),
    body: isBytes ? new Uint8Array(bytes ?? []) : bytes && decoder.decode(bytes),
    transactionId: text(message.transactionId(Encoding.UTF8_BYTES)),
    requiresAck: message.requiresAck(),
    id: text(message.id(Encoding.UTF8_BYTES)),
    seq: Number(message.seq()) || null,
    timestamp: Number(message.timestamp()) || null,
    emitter: text(message.emitter(Encoding.UTF8_BYTES)),
    receiver: text(message.receiver(Encoding.UTF8_BYTES)),
    key: text(message.key(Encoding.UTF8_BYTES)),
    token: text(message.token(Encoding.UTF8_BYTES)),
    ...traceOf(message),
  }
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null && value !== undefined),
  ) as unknown as FrameMessage
}

function traceOf(message: Message): Pick<FrameMessage, 'traceparent' | 'parentSpan'> {
  const id = message.traceIdArray()
  if (id === null || id.length !== 16 || id.every((byte) => byte === 0) || message.spanId() === 0n) return {}
  const hex = (value: number | bigint, digits: number) => value.toString(16).padStart(digits, '0')
  const digits = [...id].map((byte) => hex(byte, 2)).join('')
  const traceparent = `00-${digits}-${hex(message.spanId(), 16)}-${hex(message.traceFlags(), 2)}`
  return message.parentSpanId() === 0n ? { traceparent } : { traceparent, parentSpan: hex(message.parentSpanId(), 16) }
}

/** The same messages as the code that flatc generates writes them, each text as often as it occurs or once. */
export function referenceWrite(messages: readonly FrameMessage[], { shared = false } = {}): Uint8Array {
  const builder = new Builder(64)
  // The library takes an empty text for none when it is to be shared.
  const text = (value: string) =>
    shared && value !== '' ? builder.createSharedString(value) : builder.createString(value)
  const offsets = messages.map((message) => writeMessage(builder, message, text))
  Frame.finishFrameBuffer(builder, Frame.createFrame(builder, Frame.createMessagesVector(builder, offsets)))
  return builder.asUint8Array()
}

function writeMessage(builder: Builder, message: FrameMessage, text: (value: string) => Offset): Offset {
  const { body, traceparent, parentSpan } = message
  const optional = (value: string | undefined) => value === undefined ? 0 : text(value)
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const trace = traceparent === undefined
    ? []
    : traceparent.slice(3, 35).match(/../g)!.map((digits) => parseInt(digits, 16))
  return Message.createMessage(
    builder,
    message.opcode,
    optional(message.room),
    optional(message.type),
    bytes === undefined ? 0 : Message.createBodyVector(builder, bytes),
    typeof body === 'string' || body === undefined ? BodyFormat.Json : BodyFormat.Bytes,
    optional(message.transactionId),
    optional(message.id),
    BigInt(message.seq ?? 0),
    BigInt(message.timestamp ?? 0),
    optional(message.emitter),
    message.requiresAck ?? false,
    optional(message.key),
    KINDS.indexOf(message.kind ?? 'event'),
    optional(message.receiver),
    optional(message.token),
    traceparent === undefined ? 0 : Message.createTraceIdVector(builder, trace),
    traceparent === undefined ? 0 : parseInt(traceparent.slice(53), 16),
    BigInt(traceparent === undefined ? 0 : `0x${traceparent.slice(36, 52)}`),
    BigInt(parentSpan === undefined ? 0 : `0x${parentSpan}`),
  )
}
