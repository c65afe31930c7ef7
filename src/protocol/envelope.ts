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
  /** `event` when absent; `reply` answers a request. */
  readonly kind?: string
  /** Set on messages of the log: position over the whole database, 20 digits. */
  readonly id?: string
  /** Set on messages of the log: position in the room. */
  readonly seq?: number
  /** When the server accepted the message, in milliseconds since 1970. */
  readonly ts?: number
  /** Who sent it. */
  readonly from?: string
}

/** An envelope whose payload is already JSON text, so that what the log holds is never parsed to be sent. */
export interface EncodedEnvelope extends Omit<Envelope, 'payload'> {
  readonly payload: string
}
