import type { ErrorCode } from './errors.ts'

const RESERVED = /^(?:room|session|presence|rotunda|opcode)[.:]|^(?:ack|error)$/

/** Whether a type is rotunda's own and so cannot be an application's event. */
export function isReservedType(type: string): boolean {
  return RESERVED.test(type)
}

/** Where a reader stands in a room's log. Meaningful only within one epoch. */
export interface Cursor {
  readonly epoch: string
  readonly seq: number
}

/** Payload of `room.join`: from the cursor `since`, or from `last` messages back; with neither, from now on. */
export interface JoinRequest {
  readonly since?: Cursor
  readonly last?: number
}

/** Payload of `room.joined`. Messages after `cursor` follow. */
export interface Joined {
  readonly head: number
  readonly epoch: string
  readonly cursor: number
}

/** Payload of `room.gap`: messages that cannot be given, and where delivery goes on. */
export interface Gap {
  readonly code: Extract<ErrorCode, 'history_trimmed' | 'epoch_changed' | 'cursor_ahead' | 'forbidden'>
  readonly message: string
  /** First and last seq that are missing, where they can be named. */
  readonly missed: { readonly from: number; readonly to: number } | null
  /** The reader's cursor from here on. */
  readonly cursor: number
  readonly epoch: string
}

/** Payload of `room.history`: newest first before an id, or oldest first after a seq. At most 200 messages. */
export interface HistoryRequest {
  readonly before?: string
  readonly after?: number
  readonly limit?: number
}

/** Payload of `ack`: the message is committed. */
export interface Ack {
  readonly id: string
  readonly seq: number
}

/** Payload of `error`. */
export interface ErrorPayload {
  readonly code: ErrorCode
  readonly message: string
  readonly retryable: boolean
}

/** Payload of `session.welcome`, the first frame of every connection. */
export interface Welcome {
  readonly session: string
  readonly node: string
  readonly epoch: string
  /** Largest frame the server takes, in bytes. */
  readonly maxMessageSize: number
  /** Most envelopes the server takes in one frame. */
  readonly maxBatch: number
  /** Where the server knows who this is. */
  readonly identity?: Authenticated
  /** Over SSE and long polling: the secret with which `POST /send` speaks as this session. */
  readonly credential?: string
}

/** What the server knows of who this is; payload of the reply to `session.auth`. */
export interface Authenticated {
  readonly subject: string
  /** Milliseconds until it ends; null when it does not. */
  readonly expiresIn: number | null
}
