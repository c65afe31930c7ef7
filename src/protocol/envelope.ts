import type { Payload } from './payload.ts'

/**
 * What one side says to the other. Over JSON: `{"type", "payload"}` with the rest optional.
 * Application types are the user's; `room.*`, `session.*`, `presence.*`, `ack` and `error` are rotunda's.
 */
export interface Envelope {
  readonly type: string
  readonly payload: unknown
  readonly room?: string
  /** Chosen by who asks, repeated in the answer. */
  readonly ref?: string
  /** Producer key of a publish: the same key in the same room is the same message. */
  readonly key?: string
  /** `event` when absent; `request` asks a client, `reply` answers a request. */
  readonly kind?: string
  /** Set on messages of the log: position over the whole database, 20 digits. */
  readonly id?: string
  /** Set on messages of the log: position in the room. */
  readonly seq?: number
  /** When the server accepted the message, in milliseconds since 1970. */
  readonly ts?: number
  /** Who sent it. */
  readonly from?: string
  /** The session it is sent to, instead of a room; `*` for everybody. */
  readonly to?: string
  /** Where it belongs in a trace: a W3C `traceparent`. Handed on to who gets it live; not kept in the log. */
  readonly traceparent?: string
  /** The span that the sender's own span belongs to: 16 hexadecimal digits. */
  readonly parentSpan?: string
  /** What the sender proves itself with, for this envelope. */
  readonly token?: string
}

/** An envelope whose payload is already what is sent, so that what the log holds is never parsed for that. */
export interface EncodedEnvelope extends Omit<Envelope, 'payload'> {
  readonly payload: Payload
}
