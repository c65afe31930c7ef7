import type { EncodedEnvelope, Envelope } from './envelope.ts'
import type { RotundaError } from './errors.ts'

/** A frame as a transport carries it: text or bytes. */
export type Frame = string | Uint8Array

/** One envelope of a decoded frame, or why it is not one and the `ref` it may have had. */
export type Decoded =
  | { readonly envelope: Envelope; readonly error?: undefined }
  | { readonly error: RotundaError; readonly ref?: string | undefined; readonly envelope?: undefined }

/** Turns envelopes into frames and back. Chosen per connection by subprotocol. */
export interface Codec {
  readonly name: string
  /** What a client names in `Sec-WebSocket-Protocol` to get this codec. */
  readonly subprotocol: string
  /** One frame that carries all of the batch, in order. */
  encode(batch: readonly EncodedEnvelope[]): Frame
  /** The envelopes of a frame; never throws. */
  decode(frame: Frame): Decoded[]
}
