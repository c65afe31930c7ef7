import type { Contract, EventDefinition, EventName, EventOutput } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { ErrorPayload } from '../protocol/reserved.ts'
import type { RotundaError } from '../protocol/rotunda_error.ts'
import type { StandardSchema } from '../protocol/standard_schema.ts'

/** Where a message stands in its room's log. */
export interface Published {
  /** Position over the whole database: 20 digits. */
  readonly id: string
  /** Position in the room, from 1. */
  readonly seq: number
}

/** What every message has. */
interface Received<K, P> {
  readonly type: K
  readonly payload: P
  /** When the server accepted it, in milliseconds since 1970. */
  readonly ts: number
  /** The session that sent it; undefined when the server did. */
  readonly from: string | undefined
  /** Where it belongs in a trace, if its sender said so; absent on what comes from the log. */
  readonly traceparent?: string
  /** The span that the sender's own belongs to, if it said so. */
  readonly parentSpan?: string
}

/** A message of a room's log. */
export interface LogMessage<K, P> extends Received<K, P> {
  readonly room: string
  /** Position over the whole database: 20 digits; empty for what the server broadcast without storing it. */
  readonly id: string
  /** Position in the room, from 1 without a hole; 0 for what the server broadcast without storing it. */
  readonly seq: number
}

/** A message that is not stored. */
export interface EphemeralMessage<K, P> extends Received<K, P> {
  readonly room: string
}

/** A message that came outside of a joined room: sent to this client alone, or to everybody. */
export interface DirectMessage<K, P> extends Received<K, P> {
  /** Of what was sent to a room that is not joined. */
  readonly room?: string
  /** This session, or `*`, where another client sent it; absent where the server did. */
  readonly to?: string
}

/** Whether an event is stored, as a type. */
type IsDurable<D> = D extends EventDefinition<StandardSchema, true> ? true : false

/** What a room's handler of an event receives. */
export type MessageOf<C extends Contract, K extends EventName<C>> = K extends EventName<C>
  ? IsDurable<C[K]> extends true ? LogMessage<K, EventOutput<C, K>> : EphemeralMessage<K, EventOutput<C, K>>
  : never

/** Any message of a room's log. */
export type AnyLogMessage<C extends Contract> = Extract<
  { [K in EventName<C>]: MessageOf<C, K> }[EventName<C>],
  { readonly seq: number }
>

/** What publishing an event gives: a promise of its place when durable, nothing when ephemeral. */
export type PublishResult<C extends Contract, K extends EventName<C>> = IsDurable<C[K]> extends true
  ? Promise<Published>
  : void

/** Why the server took this client out of a room. */
export type RemovalReason = Pick<ErrorPayload, 'code' | 'message'>

/** The envelope that an error is about, as far as there is one: with `room`, `type`, `id` and `seq` where it has them. */
export type ErrorContext = Partial<Envelope>

/** Told of what went wrong outside of any call. */
export type ErrorHandler = (error: RotundaError, about: ErrorContext) => unknown
