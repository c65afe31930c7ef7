import type { Contract, EventInput, EventName, RpcName } from '../protocol/contract.ts'
import { type ErrorCode, RotundaError } from '../protocol/errors.ts'
import { checkRoomName } from '../protocol/names.ts'
import { typeOf } from '../protocol/opcodes.ts'
import type { Action } from './access.ts'
import { assemble } from './assembly.ts'
import type { Admission, Entering } from './auth/admission.ts'
import type { Admissions } from './auth/admissions.ts'
import type { Entrance } from './auth/entrance.ts'
import type { Identities } from './auth/identities.ts'
import type { WhoseSessions } from './auth/revocations.ts'
import type { Companions } from './companions.ts'
import type { Connection } from './connection.ts'
import type { HandlerFor, OpcodeHandler, OverrideHandler } from './context.ts'
import type { HubCore } from './core.ts'
import { readCounters } from './counters.ts'
import type { AnyHandler, Handlers } from './handlers.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Identity } from './identity.ts'
import type { Limits } from './limits.ts'
import type { Logger } from './logger.ts'
import type { Peer } from './peer.ts'
import { HubEvents } from './hub_events.ts'
import type { HubOptions } from './hub_options.ts'
import type { HubMetrics } from './hub_metrics.ts'
import type { PresenceChange } from './presence/presence.ts'
import type { ReservedRequests } from './reserved_requests.ts'
import { RoomHandle } from './room_handle.ts'
import { RoomReader } from './room_reader.ts'
import type { Session } from './session.ts'
import type { Start } from './target.ts'
import type { TypeCounts } from './type_metrics.ts'

/**
 * Makes a hub: the rooms, sessions and log of one server.
 *
 * @throws {RotundaError} `invalid_config`, naming the setting.
 * @example
 * ```ts
 * const hub = createHub({ protocol: chat, store: await libsqlStore({ url: 'file:data/rotunda.db' }) })
 * hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
 * serve(hub, { port: 8080 })
 * ```
 */
export function createHub<C extends Contract, M = Record<string, unknown>, S = unknown>(
  options: HubOptions<C, M, S>,
): Hub<C, M, S> {
  return new Hub(options)
}

/** Rooms, sessions and the log of one server. Transports feed it through `connect`; applications use the rest. */
export class Hub<C extends Contract = Contract, M = unknown, S = unknown> extends HubEvents<C, M> {
  /** This node's name. */
  readonly node: string
  readonly limits: Limits
  /** What lives beside the sessions, under the same connection limit and shutdown: raw services. */
  readonly companions: Companions
  /** What everybody passes who wants in: origins, and what one address may do. */
  readonly entrance: Entrance
  /** Where is written what is noticed around this hub, from its `logLevel` on. */
  readonly logger: Logger
  /** Rooms for transports without a connection. */
  readonly reader: RoomReader<C, M>
  readonly #core: HubCore<C, M>
  readonly #handlers: Handlers<C, M>
  readonly #lifecycle: Lifecycle<C, M>
  readonly #admissions: Admissions<M>
  readonly #identities: Identities<C, M>
  readonly #reserved: ReservedRequests<C, M>
  readonly #typeCounts: TypeCounts | undefined

  constructor(options: HubOptions<C, M, S>) {
    const parts = assemble(options)
    super(parts.handlers)
    this.node = parts.node
    this.limits = parts.core.limits
    this.companions = parts.companions
    this.logger = parts.logger
    this.reader = new RoomReader(parts.core)
    this.#core = parts.core
    this.#handlers = parts.handlers
    this.#lifecycle = parts.lifecycle
    this.entrance = parts.admissions.entrance
    this.#admissions = parts.admissions
    this.#identities = parts.identities
    this.#reserved = parts.reserved
    this.#typeCounts = parts.typeCounts
  }

  /**
   * Handles an event in place of the default (publish to its room), or answers a request. Returns what removes it.
   * @throws {RotundaError} `unknown_type`, or `invalid_config` when the type has a handler already.
   */
  on<K extends EventName<C> | RpcName<C>>(type: K, handler: HandlerFor<C, M, K, S>): () => void {
    this.#core.definitions.get(type)
    return this.#handlers.setTyped(type, handler as unknown as AnyHandler<C, M>)
  }

  /**
   * Handles a custom opcode of the binary protocol; JSON clients name it `opcode.<n>`.
   * @param opcode 200 to 65,535.
   * @throws {RotundaError} `invalid_config` for another number, or one that has a handler already.
   * @example
   * ```ts
   * hub.onOpcode(200, (ctx, body) => body.toReversed())
   * ```
   */
  onOpcode(opcode: number, handler: OpcodeHandler<C, M, S>): () => void {
    return this.#reserved.addOpcode(opcode, handler as OpcodeHandler<C, M>)
  }

  /**
   * Replaces one of rotunda's own requests, for clients of every codec; `next` does what is built in.
   * @param request Its type, such as `session.ping`, or its opcode.
   * @throws {RotundaError} `invalid_config` when there is no such request, or it is replaced already.
   * @example
   * ```ts
   * hub.override('session.whoami', (ctx) => ({ user: ctx.session.metadata.user }))
   * ```
   */
  override(request: string | number, handler: OverrideHandler<C, M, S>): () => void {
    const type = typeof request === 'number' ? typeOf(request) ?? `opcode ${request}` : request
    return this.#reserved.override(type, handler as OverrideHandler<C, M>)
  }

  /** Called with every change in rooms that a session of this node is present in or watches. */
  onPresence(handler: (change: PresenceChange) => unknown): () => void {
    return this.#core.presence.listen(handler)
  }

  /**
   * A room by name.
   * @throws {RotundaError} `invalid_room`
   */
  room(name: string): RoomHandle<C, M> {
    return new RoomHandle(this.#core, checkRoomName(name))
  }

  /** Names of the rooms that somebody is in, on this node. */
  get rooms(): string[] {
    return this.#core.rooms.names
  }

  /** The session with this id, on this node. */
  session(id: string): Session<C, M> | undefined {
    const connection = this.#core.connections.get(id)
    return connection === undefined ? undefined : this.#core.sessionOf(connection)
  }

  /** All sessions of this node. */
  get sessions(): Session<C, M>[] {
    return [...this.#core.connections.values()].map((connection) => this.#core.sessionOf(connection))
  }

  get sessionCount(): number {
    return this.#core.connections.size
  }

  /**
   * Asks the policies again about every session and its rooms, for when permissions have changed. Who may no longer be in
   * a room is out of it when this resolves. Asks about 64 sessions at a time, and 16 rooms of each.
   */
  reauthorize(): Promise<void> {
    return this.#core.memberships.reauthorizeAll([...this.#core.connections.values()])
  }

  /**
   * Ends the sessions of a subject, or all of whose identity this is true, with 4401; or takes identity and grants from
   * them (`downgrade`). Also of who is let in just now. `authenticate` must refuse them from before this is called.
   * @returns How many there were, when none of them is in a room any more that it may not be in.
   */
  revoke(who: WhoseSessions, { how = 'close' }: { how?: 'close' | 'downgrade' } = {}): Promise<number> {
    return this.#identities.revoke(who, how)
  }

  /** Names the log that cursors are valid in. */
  get epoch(): string {
    return this.#core.store.epoch
  }

  /** A few numbers that cost nothing to read, however many sessions there are: `/health` answers anybody who asks. */
  get load(): Pick<HubMetrics, 'sessions' | 'rooms' | 'waiting' | 'commits'> {
    const { rooms, publisher } = this.#core
    const { waiting, metrics: { commits } } = publisher
    return { sessions: this.sessionCount, rooms: rooms.size, waiting, commits }
  }

  get metrics(): HubMetrics {
    return {
      ...this.#core.publisher.metrics,
      sessions: this.sessionCount,
      connectionsTotal: this.#lifecycle.connectionsTotal,
      rooms: this.#core.rooms.size,
      waiting: this.#core.publisher.waiting,
      ...readCounters(this.#core.counters),
      presence: this.#core.presence.metrics,
      types: this.#typeCounts?.byType,
      longPoll: this.companions.longPoll,
      retention: this.#core.retention.metrics,
    }
  }

  /**
   * Sends an event to every session of this node, at most once and never stored.
   * @throws {RotundaError} `unknown_type`, `invalid_payload`
   */
  broadcast<K extends EventName<C>>(
    type: K,
    payload: EventInput<C, K>,
    options: { except?: Session<C, M> } = {},
  ): void {
    this.#core.broadcast(type, payload, options)
  }

  /** Sends a text frame as it is, outside of the protocol, to every session of this node. */
  broadcastText(text: string, options: { except?: Session<C, M> } = {}): void {
    this.#core.broadcastText(text, options)
  }

  /** Why a new connection cannot be taken now; undefined when it can. Asked by transports before they upgrade. */
  refusal(): RotundaError | undefined {
    return this.#lifecycle.refusal()
  }

  /**
   * Gives a subprotocol out of those a client offers; undefined when none is known, which means plain JSON without
   * batches.
   */
  chooseSubprotocol(offered: readonly string[]): string | undefined {
    return this.#lifecycle.chooseSubprotocol(offered)
  }

  /** What the application remembers of the request that opens a session. */
  metadataFor(request: Request, identity?: Identity): M | Promise<M> {
    return this.#admissions.metadataFor(request, identity)
  }

  /**
   * Finds out about who sends a request, the same way for every transport: origin, address, identity, metadata. Stays
   * synchronous as long as the application does.
   * @throws {RotundaError} `forbidden` (origin), `unauthenticated`, `connection_limit`, `quota_exceeded`, `overloaded`,
   * `timeout`, or what `authenticate` or `metadata` throw.
   */
  admit(request: Request, entering: Entering<M> = {}): Admission<M> | Promise<Admission<M>> {
    return this.#admissions.admit(request, entering)
  }

  /**
   * A request speaks for a session over HTTP: it must be of the same subject, and renews its identity.
   * @throws {RotundaError} As rejection: `forbidden`
   */
  async continued(connection: Connection, admission: Admission<M>): Promise<void> {
    await this.#identities.continued(connection as Connection<M>, admission)
  }

  /**
   * Asks the policies about a request over HTTP without a session; who it is is found out as for one.
   * @throws {RotundaError} As rejection: `forbidden`, `unauthenticated`, or what the application throws.
   */
  async authorizeRequest(request: Request, action: Action, room: string): Promise<void> {
    const admission = await this.admit(request, { origins: 'any' })
    await this.#core.access.check(admission, action, checkRoomName(room))
  }

  /** Tells the error handlers, or the console without any, of something that went wrong around this hub. */
  report(error: unknown): void {
    if (!this.#lifecycle.signal.aborted) this.#handlers.report(error)
  }

  /** Counts what a request over HTTP was refused with, among the errors told to clients. */
  refused(code: ErrorCode): void {
    this.#core.counters.error(code)
  }

  /** Takes over an open connection. The transport tells the result what happens on it. */
  connect(peer: Peer, start: Start<M>): Connection {
    return this.#lifecycle.connect(peer, start)
  }

  /**
   * Stops: takes no new connections, tells clients to come back within `drain` seconds (default 0: at once), stores
   * and acknowledges what was taken, ends every session with 1001, and closes the store. Idempotent; resolves when all
   * is done.
   */
  close({ drain = 0 }: { drain?: number } = {}): Promise<void> {
    return this.#lifecycle.close(drain * 1000)
  }
}
