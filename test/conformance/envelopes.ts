import type { EncodedEnvelope, Envelope, Payload } from '../../src/protocol/mod.ts'
import type { Random } from './random.ts'

/** The payload that a receiver must find: the parsed value of a text, or the same bytes. */
export function received(envelope: EncodedEnvelope): Envelope {
  const { payload } = envelope
  return { ...envelope, payload: typeof payload === 'string' ? JSON.parse(payload) : new Uint8Array(payload) }
}

/** An envelope with any of the fields, that every codec can carry. */
export function anyEnvelope(random: Random): EncodedEnvelope {
  // JSON keeps half of a surrogate pair as an escape; UTF-8 has no way to.
  const text = (most: number) => random.text(most).toWellFormed()
  const maybe = <K extends string, V>(name: K, value: () => V): Partial<Record<K, V>> => {
    return random.chance(0.4) ? { [name]: value() } as Record<K, V> : {}
  }
  return {
    type: random.pick([`app.${random.whole(0, 5)}`, 'ack', 'room.join', 'session.ping', 'opcode.300', text(20) || 'a']),
    ...maybe('room', () => random.pick(['africa', text(40)])),
    ...maybe('id', () => String(random.whole(0, 999_999)).padStart(20, '0')),
    ...maybe('seq', () => random.whole(1, Number.MAX_SAFE_INTEGER)),
    ...maybe('kind', () => random.pick(['reply', 'request'])),
    ...maybe('ts', () => random.whole(1, 8_640_000_000_000_000)),
    ...maybe('from', () => text(20)),
    ...maybe('ref', () => random.pick([String(random.whole(1, 99_999)), text(32)])),
    ...maybe('key', () => text(40)),
    ...maybe('to', () => random.pick(['*', text(20)])),
    ...maybe('token', () => text(60)),
    ...(random.chance(0.2) ? anyTrace(random) : {}),
    payload: anyPayload(random),
  }
}

function anyPayload(random: Random): Payload {
  if (random.chance(0.7)) return JSON.stringify(random.json(4))
  return Uint8Array.from({ length: random.pick([0, 1, 7, 100, 1_000]) }, () => random.whole(0, 255))
}

function anyTrace(random: Random): Pick<EncodedEnvelope, 'traceparent' | 'parentSpan'> {
  const hex = (digits: number) => {
    // The last digit is not 0, since what is all zeros names nothing.
    return Array.from({ length: digits }, (_, i) => random.whole(i === digits - 1 ? 1 : 0, 15).toString(16)).join('')
  }
  const traceparent = `00-${hex(32)}-${hex(16)}-0${random.whole(0, 1)}`
  return random.chance(0.5) ? { traceparent } : { traceparent, parentSpan: hex(16) }
}
