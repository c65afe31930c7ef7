import type { Contract, EventInput, EventName, RpcInput, RpcName, RpcOutput } from '../protocol/contract.ts'
import type { Joined, JoinRequest } from '../protocol/reserved.ts'
import type { Connection, SessionState } from './connection.ts'
import type { Principal } from './access.ts'
import type { HubCore } from './core.ts'
import type { Allowance, Grants } from './grants.ts'
import type { Identity } from './identity.ts'
import type { AskOptions } from './replies.ts'
import type { SessionMetrics } from './traffic.ts'
import type { TypeMetrics } from './type_metrics.ts'

/** A connected client, as handlers see it: the same object for the connection's whole life. */
export class Session<C extends Contract = Contract, M = unknown> implements Principal<C, M> {
  readonly #core: HubCore<C, M>
  readonly #connection: Connection<M>

  constructor(core: HubCore<C, M>, connection: Connection<M>) {
    this.#core = core
    this.#connection = connection
  }

  /** Unique id, a UUID. */
  get id(): string {
    return this.#connection.id
  }

  /** Id of the node that owns this connection. */
  get node(): string {
    return this.#connection.node
  }

  get state(): SessionState {
    return this.#connection.state
  }

  /** The application's own data about this client, as made by the hub's `metadata` option. */
  get metadata(): M {
    return this.#connection.metadata
  }

  set metadata(metadata: M) {
    this.#connection.metadata = metadata
  }

  /** Who it is, as the hub's `authenticate` found out; changes when the client brings a new token, or its time is over. */
  get identity(): Identity | undefined {
    return this.#connection.identity
  }

  /** The client's address: the peer's, or what trusted proxies say, see the hub's `trustProxy`. */
  get remoteAddress(): string {
    return this.#connection.address
  }

  /** 0 when the transport does not tell. */
  get remotePort(): number {
    return this.#connection.peer.remotePort
  }

  /** Milliseconds since 1970, as all times here. */
  get connectedAt(): number {
    return this.#connection.connectedAt
  }

  /** When the last ping was sent; the time of connecting when none was. */
  get lastPingAt(): number {
    return this.#connection.lastPingAt
  }

  /** When the last pong arrived; the time of connecting when none did. */
  get lastPongAt(): number {
    return this.#connection.lastPongAt
  }

  /** Frames, messages and bytes so far, counted when read. */
  get metrics(): SessionMetrics {
    return this.#connection.metrics
  }

  /** What it sent and how long that took, by type; undefined unless the hub has `countTypes`. */
  get typeMetrics(): Readonly<Record<string, TypeMetrics>> | undefined {
    return this.#core.countsTypes ? this.#connection.typeCounts?.byType ?? {} : undefined
  }

  /** The same over all types. */
  get handling(): TypeMetrics | undefined {
    return this.#connection.typeCounts?.all
  }

  /** Itself: policies are asked about a session as about any other principal. */
  get session(): this {
    return this
  }

  /** What was granted to this session. */
  get grants(): Grants {
    return this.#connection.grants
  }

  /**
   * Grants what rooms named `private-…` and `presence-…` need, and sending past rooms.
   * @param pattern A room, or the beginning of rooms' names and `*`.
   * @throws {RotundaError} `invalid_config`
   * @example
   * ```ts
   * session.grant('private-team-7-*', 'read')
   * session.grant('private-team-7-chat', ['join', 'replay', 'publish'])
   * ```
   */
  grant(pattern: string, allowance: Allowance): void {
    this.#connection.grants.add(pattern, allowance)
  }

  /**
   * Takes back what was granted under this very pattern (without one: everything), and takes the session out of the
   * rooms it may no longer be in; the client is told with `room.left`. What came with a token is taken back for as long as
   * this session lives; another session with the same token has it.
   */
  revoke(pattern?: string): Promise<void> {
    this.#connection.grants.remove(pattern)
    return this.reauthorize()
  }

  /** Asks the policies again about every room this session is in. To be called when their answers have changed. */
  reauthorize(): Promise<void> {
    return this.#core.memberships.reauthorize(this.#connection)
  }

  /** Bytes sent to this client that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#connection.peer.bufferedAmount
  }

  /** Names of the rooms this session is in. */
  get rooms(): string[] {
    return this.#connection.rooms.map((room) => room.name)
  }

  inRoom(room: string): boolean {
    return this.#connection.room(room) !== undefined
  }

  /**
   * Puts the session into a room; the client is told with `room.joined` and receives the room's messages from then
   * on, after the cursor `since`, or the `last` so many first.
   * @throws {RotundaError} `invalid_room`, `too_many_rooms`, `store_unavailable`, `closed` when the session ends meanwhile.
   */
  join(room: string, request: JoinRequest = {}): Promise<Joined> {
    return this.#core.memberships.join(this.#connection, room, request)
  }

  /** Takes the session out of a room; the client is told with `room.left`. */
  leave(room: string): void {
    this.#core.memberships.leave(this.#connection, room)
  }

  leaveAll(): void {
    for (const room of this.rooms) this.leave(room)
  }

  /**
   * Sends an event to this client alone; not stored. False when the connection is over.
   * @throws {RotundaError} `unknown_type`, `invalid_payload`
   */
  send<K extends EventName<C>>(type: K, payload: EventInput<C, K>): boolean {
    return this.#core.sendTo(this.#connection, type, payload)
  }

  /**
   * Asks this client and gives its answer, checked by the contract.
   * @throws {RotundaError} As rejection: `timeout`, `aborted`, `disconnected` (perhaps done), `unknown_type`,
   * `invalid_payload` (of the question or the answer), `queue_full`, or what the client answers.
   * @example
   * ```ts
   * const { accepted } = await session.request('call.offer', { from: 'Ada' }, { timeout: 30_000 })
   * ```
   */
  request<K extends RpcName<C>>(type: K, payload: RpcInput<C, K>, options: AskOptions = {}): Promise<RpcOutput<C, K>> {
    return this.#core.ask(this.#connection, type, payload, options) as Promise<RpcOutput<C, K>>
  }

  /** Sends a text frame as it is, outside of the protocol. */
  sendText(text: string): boolean {
    return this.#connection.sendFrame(text, 1)
  }

  /** Sends a binary frame as it is, outside of the protocol. */
  sendBytes(bytes: Uint8Array): boolean {
    return this.#connection.sendFrame(bytes, 1)
  }

  /** Sends a ping frame; false where the transport has none. Its pong sets `lastPongAt`. */
  ping(data?: Uint8Array): boolean {
    const { peer } = this.#connection
    if (peer.ping === undefined || !this.#connection.isUsable) return false
    this.#connection.lastPingAt = Date.now()
    peer.ping(data)
    return true
  }

  /** Sends a pong frame that nobody asked for; false where the transport has none. */
  pong(data?: Uint8Array): boolean {
    const { peer } = this.#connection
    if (peer.pong === undefined || !this.#connection.isUsable) return false
    peer.pong(data)
    return true
  }

  /**
   * Starts the closing handshake; close handlers run when it is done.
   * @param code 1000 to 1014 or 3000 to 4999, 1000 when absent.
   * @throws {RotundaError} `invalid_config` for a code that must not be sent.
   */
  close(code?: number, reason?: string): void {
    this.#connection.close(code, reason)
  }
}
