import type { Contract, EventInput, EventName, RpcInput, RpcName, RpcOutput } from '../protocol/contract.ts'
import type { Cursor, Gap, Joined } from '../protocol/reserved.ts'
import type { Calls, PublishOptions, TraceOptions } from './calls.ts'
import { type HistoryOptions, readHistory } from './history.ts'
import type { Membership } from './membership.ts'
import type { RequestOptions } from './outbox.ts'
import type { AnyLogMessage, ErrorHandler, MessageOf, PublishResult, RemovalReason } from './types.ts'

/**
 * A room as a client sees it. Made by `client.join`; it stays joined over all reconnects until `leave()`.
 *
 * @example
 * ```ts
 * const room = client.join('africa', { last: 50 })
 * room.on('chat.message', (m) => console.log(m.seq, m.payload.text))
 * const { seq } = await room.publish('chat.message', { user: 'Gaspard', text: 'Hello!' })
 * ```
 */
export class Room<C extends Contract> {
  declare readonly name: string
  /** For rotunda's own additions, as `client.calls`. @internal */
  declare readonly calls: Calls
  /** @internal */
  declare readonly membership: Membership
  readonly #leave: () => void

  /** @internal */
  constructor(calls: Calls, membership: Membership, leave: () => void) {
    this.name = membership.name
    this.calls = calls
    this.membership = membership
    this.#leave = leave
  }

  /**
   * Where this client stands in the room's log: its handlers were called for all up to here. Undefined until the room
   * is joined for the first time. It can be kept and given to `client.join(name, { since: cursor })` later.
   */
  get cursor(): Cursor | undefined {
    return this.membership.cursor
  }

  /**
   * Handles an event of the room. Durable messages come in `seq` order, each once, none left out: what cannot be given
   * is told to `onGap`. The cursor is advanced before handlers are called, and promises they return are not awaited.
   * What arrives while an event has no handler is not kept: add handlers in the turn in which the room is joined.
   *
   * @returns What removes the handler.
   */
  on<K extends EventName<C>>(type: K, handler: (message: MessageOf<C, K>) => unknown): () => void {
    return this.membership.receiver.on(type, handler)
  }

  /** Told, in order with the messages, when messages cannot be given; delivery goes on after `gap.cursor`. */
  onGap(handler: (gap: Gap) => unknown): () => void {
    return this.membership.receiver.on('room.gap', handler)
  }

  /** Told whenever the room was joined, on the first and on every later connection, before its messages follow. */
  onJoined(handler: (joined: Joined) => unknown): () => void {
    return this.membership.receiver.on('room.joined', handler)
  }

  /**
   * Told when the server took this client out of the room, with the reason where there is one, such as `forbidden`. The
   * next connection joins it again unless it is left.
   */
  onRemoved(handler: (reason: RemovalReason | undefined) => unknown): () => void {
    return this.membership.receiver.on('room.left', handler)
  }

  /**
   * Told what goes wrong in this room outside of a call: a join that was refused, a message that does not fit the
   * contract (`invalid_payload`, with its `seq`), a handler that threw (`internal`, with the thrown as `cause`). Without
   * a handler the client's `onError` is told.
   */
  onError(handler: ErrorHandler): () => void {
    return this.membership.receiver.on('error', handler)
  }

  /**
   * Publishes an event to the room.
   *
   * A durable one gives a promise that resolves with its place once it is committed. Until then it is sent again after
   * lost connections, missing acks and retryable errors, under one producer key, so that it is stored once; calls are
   * stored in the order in which they were made, except that messages of one commit that fails may come after later ones.
   * While offline it waits. It is lost if the process ends before.
   *
   * An ephemeral one is sent at most once, dropped while there is no connection, and gives nothing.
   *
   * @throws {RotundaError} As rejection where durable: `invalid_payload`, `invalid_key`, `message_too_big`,
   * `queue_full`, `aborted`, `closed`, or what the server refuses it with.
   */
  publish<K extends EventName<C>>(
    type: K,
    payload: EventInput<C, K>,
    options: PublishOptions = {},
  ): PublishResult<C, K> {
    return this.calls.publish(this.membership.receiver, this.name, type, payload, options) as PublishResult<C, K>
  }

  /**
   * Asks the server, about this room, and gives its answer.
   * @throws {RotundaError} As rejection: `timeout`, `aborted`, `disconnected` (perhaps done), `invalid_payload`,
   * `message_too_big`, `closed`, or what the server answers.
   */
  request<K extends RpcName<C>>(
    type: K,
    payload: RpcInput<C, K>,
    options: RequestOptions & TraceOptions = {},
  ): Promise<RpcOutput<C, K>> {
    return this.calls.request(this.name, type, payload, options) as Promise<RpcOutput<C, K>>
  }

  /**
   * The room's log backwards, newest first, fetched page by page until the oldest message or until the loop is left.
   * Messages that do not fit the contract are told to `onError` and left out.
   *
   * @throws {RotundaError} `timeout`, `invalid_cursor`, `invalid_limit`, `closed`, `store_unavailable`
   * @example
   * ```ts
   * for await (const message of room.history({ limit: 100 })) {
   *   if (message.ts < yesterday) break
   * }
   * ```
   */
  history(options: HistoryOptions = {}): AsyncGenerator<AnyLogMessage<C>, void> {
    // What the room's log holds of the contract are its durable events.
    return readHistory(this.membership, options, this.calls) as AsyncGenerator<AnyLogMessage<C>, void>
  }

  /** Leaves the room: its handlers are not called any more. `client.join` makes a new one. Publishing goes on working. */
  leave(): void {
    this.#leave()
  }
}
