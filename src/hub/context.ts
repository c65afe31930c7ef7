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
import type { StandardSchema } from '../protocol/standard_schema.ts'
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
export interface RequestContext<C extends Contract, M> {
  readonly session: Session<C, M>
  /** The room the envelope names. @throws {RotundaError} `invalid_room` when it names none. */
  readonly room: RoomHandle<C, M>
  readonly type: string
  /** The asking side's reference, when it wants an answer. */
  readonly ref: string | undefined
}

/** What an event's handler is given. */
export interface EventContext<C extends Contract, M, K extends keyof C> extends RequestContext<C, M> {
  /**
   * Publishes to the envelope's room in the sender's name, as happens without a handler. The first call carries the
   * sender's producer key and answers its ack. Return the promise instead of awaiting it where nothing follows: then
   * the session's next frame need not wait for the commit.
   */
  publish(payload: EventInput<C, K>): PublishResult<C, K>
}

/** Handles an event in place of the default, which is to publish it to its room. */
export type EventHandler<C extends Contract, M, K extends EventName<C>> = (
  context: EventContext<C, M, K>,
  payload: EventOutput<C, K>,
) => unknown

/** Answers a request. */
export type RpcHandler<C extends Contract, M, K extends RpcName<C>> = (
  context: RequestContext<C, M>,
  request: RpcRequest<C, K>,
) => RpcReply<C, K> | Promise<RpcReply<C, K>>

/** The handler that fits a name of the contract. */
export type HandlerFor<C extends Contract, M, K extends EventName<C> | RpcName<C>> = K extends RpcName<C>
  ? RpcHandler<C, M, K>
  : K extends EventName<C> ? EventHandler<C, M, K>
  : never
