import type { Codec, Decoded, Frame } from './codec.ts'
import type { EncodedEnvelope, Envelope } from './envelope.ts'
import { RotundaError } from './errors.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { MAX_REF, quote } from './names.ts'
import { hasPrototypeKey, mayHidePrototypeKey } from './prototype_key.ts'
import { readTrace } from './trace.ts'

/** Most envelopes in one frame, in either direction. */
export const MAX_BATCH = 512

/** The subprotocol of JSON frames that may be batches. */
export const JSON_SUBPROTOCOL = 'rotunda.v1.json'

/** JSON text frames: one envelope as an object, several as an array. */
export const jsonCodec: Codec = {
  name: 'json',
  subprotocol: JSON_SUBPROTOCOL,
  encode(batch) {
    if (batch.length === 1) return encodeEnvelope(batch[0]!)
    let frame = '['
    for (let i = 0; i < batch.length; i++) frame += (i === 0 ? '' : ',') + encodeEnvelope(batch[i]!)
    return frame + ']'
  },
  decode: decodeJson,
}

const PLAIN = /^[\w .:@#/+\-]*$/

function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** One envelope as JSON text, its payload copied as it is. */
export function encodeEnvelope(envelope: EncodedEnvelope): string {
  let text = `{"type":${jsonString(envelope.type)}`
  if (envelope.room !== undefined) text += `,"room":${jsonString(envelope.room)}`
  if (envelope.id !== undefined) text += `,"id":${jsonString(envelope.id)}`
  if (envelope.seq !== undefined) text += `,"seq":${envelope.seq}`
  if (envelope.kind !== undefined) text += `,"kind":${jsonString(envelope.kind)}`
  if (envelope.ts !== undefined) text += `,"ts":${envelope.ts}`
  if (envelope.from !== undefined) text += `,"from":${jsonString(envelope.from)}`
  if (envelope.ref !== undefined) text += `,"ref":${jsonString(envelope.ref)}`
  if (envelope.key !== undefined) text += `,"key":${jsonString(envelope.key)}`
  if (envelope.to !== undefined) text += `,"to":${jsonString(envelope.to)}`
  if (envelope.traceparent !== undefined) text += `,"traceparent":"${envelope.traceparent}"`
  if (envelope.parentSpan !== undefined) text += `,"parentSpan":"${envelope.parentSpan}"`
  if (envelope.token !== undefined) text += `,"token":${jsonString(envelope.token)}`
  const { payload } = envelope
  if (typeof payload !== 'string') return `${text},"encoding":"base64","payload":"${toBase64(payload)}"}`
  return `${text},"payload":${payload}}`
}

function decodeJson(frame: Frame): Decoded[] {
  if (typeof frame !== 'string') {
    return [{
      error: new RotundaError('invalid_frame', 'A binary frame needs a binary subprotocol; send JSON as text.'),
    }]
  }
  let value: unknown
  try {
    value = JSON.parse(frame)
  } catch (cause) {
    return [{ error: new RotundaError('invalid_json', `The frame ${quote(frame)} is not JSON.`, { cause }) }]
  }
  const hostile = mayHidePrototypeKey(frame)
  if (!Array.isArray(value)) return [decodeEnvelope(value, hostile)]
  if (value.length === 0 || value.length > MAX_BATCH) {
    const message = `A batch must have 1 to ${MAX_BATCH} envelopes, not ${value.length}.`
    return [{ error: new RotundaError('invalid_frame', message) }]
  }
  return value.map((item) => decodeEnvelope(item, hostile))
}

function decodeEnvelope(value: unknown, hostile: boolean): Decoded {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return wrong('An envelope must be a JSON object {"type", "payload"}.')
  }
  const fields = value as Partial<Record<keyof Envelope | 'encoding', unknown>>
  const ref = typeof fields.ref === 'number' ? String(fields.ref) : fields.ref
  if (ref !== undefined && (typeof ref !== 'string' || ref.length > MAX_REF)) {
    return wrong(`"ref" must be a string of at most ${MAX_REF} characters, or a number.`)
  }
  const { type, room, key, kind, id, seq, ts, from, to, token, encoding, traceparent, parentSpan } = fields
  if (typeof type !== 'string' || type === '') return wrong('"type" must be a non-empty string.', ref)
  if (room !== undefined && typeof room !== 'string') return wrong('"room" must be a string.', ref)
  if (key !== undefined && typeof key !== 'string') return wrong('"key" must be a string.', ref)
  if (kind !== undefined && typeof kind !== 'string') return wrong('"kind" must be a string.', ref)
  if (id !== undefined && typeof id !== 'string') return wrong('"id" must be a string.', ref)
  if (seq !== undefined && typeof seq !== 'number') return wrong('"seq" must be a number.', ref)
  if (ts !== undefined && typeof ts !== 'number') return wrong('"ts" must be a number.', ref)
  if (from !== undefined && typeof from !== 'string') return wrong('"from" must be a string.', ref)
  if (to !== undefined && typeof to !== 'string') return wrong('"to" must be a string.', ref)
  if (token !== undefined && typeof token !== 'string') return wrong('"token" must be a string.', ref)
  if (hostile && hasPrototypeKey(value)) return wrong('A key named "__proto__" is not allowed.', ref)
  let payload = fields.payload === undefined ? {} : fields.payload
  if (encoding !== undefined) {
    const bytes = encoding === 'base64' && typeof payload === 'string' ? fromBase64(payload) : undefined
    if (bytes === undefined) return wrong('"encoding" must be "base64", and "payload" a text in it.', ref)
    payload = bytes
  }
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = { type, payload }
  if (room !== undefined) envelope.room = room
  if (ref !== undefined) envelope.ref = ref
  if (key !== undefined) envelope.key = key
  if (kind !== undefined) envelope.kind = kind
  if (id !== undefined) envelope.id = id
  if (seq !== undefined) envelope.seq = seq
  if (ts !== undefined) envelope.ts = ts
  if (from !== undefined) envelope.from = from
  if (to !== undefined) envelope.to = to
  if (token !== undefined) envelope.token = token
  if (traceparent !== undefined) Object.assign(envelope, readTrace(traceparent, parentSpan))
  return { envelope }
}

function wrong(message: string, ref?: string): Decoded {
  return { error: new RotundaError('invalid_frame', message), ref }
}
