import type {
  Contract,
  EventDefinition,
  EventInput,
  EventName,
  EventOutput,
  RpcName,
  RpcReply,
  RpcRequest,
} from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import type { StandardSchema } from '../protocol/standard_schema.ts'
import type { Trace } from '../protocol/trace.ts'
import type { QuotaResult } from './quota/session_quota.ts'
import type { RoomHandle } from './room_handle.ts'
import type { Session } from './session.ts'

/** Where a message stands in its room's log. */
export interface Published {
  /** Position over the whole database: 20 digits. */
  readonly id: string
  /** Position in the room, from 1. */
  readonly seq: number
}

/** What publishing an event gives: a promise of its place when durable, nothing when ephemeral. */
export type PublishResult<C extends Contract, K extends keyof C> = C[K] extends EventDefinition<StandardSchema, true>
  ? Promise<Published>
  : void

/** What a handler knows of the envelope it handles. */
export interface RequestContext<C extends Contract, M, S = unknown> {
  readonly session: Session<C, M>
  /** The room the envelope names. @throws {RotundaError} `invalid_room` when it names none. */
  readonly room: RoomHandle<C, M>
  readonly type: string
  /** The asking side's reference, when it wants an answer. */
  readonly ref: string | undefined
  /** The application's state, as given to `createHub`. */
  readonly state: S
  /** The envelope as decoded; what it says of itself is the client's claim. */
  readonly envelope: Envelope
  /** Where the envelope belongs in a trace; undefined when it does not say. */
  readonly trace: Trace | undefined
  /** What the quotas said of this envelope; undefined where the hub has none. */
  readonly quota: QuotaResult | undefined
}

/** What an event's handler is given. */
export interface EventContext<C extends Contract, M, K extends keyof C, S = unknown> extends RequestContext<C, M, S> {
  /**
   * Publishes to the envelope's room in the sender's name, as happens without a handler. The first call carries the
   * sender's producer key and answers its ack. Return the promise instead of awaiting it where nothing follows: then
   * the session's next frame need not wait for the commit.
   */
  publish(payload: EventInput<C, K>): PublishResult<C, K>
}

/** Handles an event in place of the default, which is to publish it to its room. */
export type EventHandler<C extends Contract, M, K extends EventName<C>, S = unknown> = (
  context: EventContext<C, M, K, S>,
  payload: EventOutput<C, K>,
) => unknown

/** Answers a request. */
export type RpcHandler<C extends Contract, M, K extends RpcName<C>, S = unknown> = (
  context: RequestContext<C, M, S>,
  request: RpcRequest<C, K>,
) => RpcReply<C, K> | Promise<RpcReply<C, K>>

/** The handler that fits a name of the contract. */
export type HandlerFor<C extends Contract, M, K extends EventName<C> | RpcName<C>, S = unknown> = K extends RpcName<C>
  ? RpcHandler<C, M, K, S>
  : K extends EventName<C> ? EventHandler<C, M, K, S>
  : never

/**
 * Handles a custom opcode: what it returns answers the request, as bytes or as JSON. Without a result the answer, where
 * one is asked for, is empty.
 */
export type OpcodeHandler<C extends Contract, M, S = unknown> = (
  context: RequestContext<C, M, S>,
  body: Uint8Array,
) => unknown

/** Handles one of rotunda's own requests in place of what is built in, which `next` does. */
export type OverrideHandler<C extends Contract, M, S = unknown> = (
  context: RequestContext<C, M, S>,
  payload: unknown,
  next: () => void | Promise<void>,
) => unknown
