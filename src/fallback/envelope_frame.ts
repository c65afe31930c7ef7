import type { Codec } from '../protocol/codec.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { encodeEnvelope, jsonCodec } from '../protocol/json_codec.ts'
import { isReservedType } from '../protocol/reserved.ts'
import type { Variant } from '../hub/mod.ts'
import { toBase64 } from '../protocol/base64.ts'

const encoder = new TextEncoder()

/** One envelope as the bytes of its JSON, and what those who keep or collect it must know of it. */
export class EnvelopeFrame extends Uint8Array<ArrayBuffer> {
  readonly type: string
  readonly kind: string | undefined
  readonly ref: string | undefined
  /** Whether it may be dropped: an application's message that is not durable. */
  readonly isLossy: boolean

  constructor(envelope: EncodedEnvelope) {
    const { buffer, byteOffset, byteLength } = encoder.encode(encodeEnvelope(envelope))
    super(buffer, byteOffset, byteLength)
    const { type, kind, ref, seq } = envelope
    this.type = type
    this.kind = kind
    this.ref = ref
    this.isLossy = seq === undefined && ref === undefined && !isReservedType(type)
  }

  /** What is derived from it is bytes and no more. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array
  }
}

/** JSON as on a WebSocket, each envelope on its own and as bytes: many mailboxes and answers share them. */
const envelopeCodec: Codec = {
  name: 'http',
  subprotocol: jsonCodec.subprotocol,
  encode: ([envelope]) => new EnvelopeFrame(envelope!),
  decode: jsonCodec.decode,
}

/** How frames look to what collects them one by one. */
export const ENVELOPES: Variant = { codec: envelopeCodec, batches: false }

/** What an application sends outside of the protocol, as JSON: a text, or an object with bytes. */
export function rawFrame(frame: string | Uint8Array): Uint8Array {
  const value = typeof frame === 'string' ? frame : { encoding: 'base64', payload: toBase64(frame) }
  return encoder.encode(JSON.stringify(value))
}
