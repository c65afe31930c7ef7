import { CLOSE } from '../protocol/close_codes.ts'
import type { Codec, Frame } from '../protocol/codec.ts'
import type { Contract } from '../protocol/contract.ts'
import { type ErrorCode, RotundaError } from '../protocol/errors.ts'
import { jsonCodec, MAX_BATCH } from '../protocol/json_codec.ts'
import type { Welcome } from '../protocol/reserved.ts'
import { authenticated } from './auth/auth_request.ts'
import type { Identities } from './auth/identities.ts'
import type { Variant } from './channel.ts'
import type { Companions } from './companions.ts'
import { type BacklogBounds, backlogBounds } from './congestion.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { HubCore } from './core.ts'
import type { Dispatch } from './dispatch.ts'
import { type Executor, withinTime } from './executor.ts'
import type { Handlers, LifecycleHandlers } from './handlers.ts'
import { Heartbeat } from './heartbeat.ts'
import type { Logger } from './logger.ts'
import type { Peer } from './peer.ts'
import type { Start } from './target.ts'
import { isThenable } from './thenable.ts'
import type { Traffic } from './traffic.ts'

/** How long clients may take to answer the close frame when the hub closes, in milliseconds. */
const CLOSING_GRACE = 2_000
/** How long commits in flight may take when the hub closes, in milliseconds. */
const COMMIT_GRACE = 30_000
/** How long what was cancelled may take to end, in milliseconds. */
const STOP_GRACE = 1_000
/** How long handlers in flight may take when the hub closes, in milliseconds. */
const HANDLER_GRACE = 5_000

/** For clients that name no subprotocol. */
const PLAIN: Variant = { codec: jsonCodec, batches: false }

/** What a lifecycle is given beside what it works on. */
export interface LifecycleOptions<C extends Contract, M> {
  /** Who the sessions are. */
  readonly identities: Identities<C, M>
  readonly node: string
  /** Aborted when all is closed. */
  readonly stop: AbortController
  /** Stopped with the hub, where it is the hub's own. */
  readonly ownExecutor: Executor | undefined
  /** How frames look, by subprotocol. */
  readonly codecs: readonly Codec[]
  /** What lives beside the sessions. */
  readonly companions: Companions
  readonly logger: Logger
}

/** How connections begin and end, and the whole hub with them. */
export class Lifecycle<C extends Contract, M> implements ConnectionOwner {
  readonly traffic: Traffic
  readonly #core: HubCore<C, M>
  readonly #handlers: Handlers<C, M>
  readonly #dispatch: Dispatch
  readonly #options: LifecycleOptions<C, M>
  readonly #heartbeat: Heartbeat
  readonly #backlog: BacklogBounds
  readonly #variants: ReadonlyMap<string | undefined, Variant>
  #connectionsTotal = 0
  #closing: Promise<void> | undefined
  #whenEmpty: (() => void) | undefined

  constructor(core: HubCore<C, M>, handlers: Handlers<C, M>, dispatch: Dispatch, options: LifecycleOptions<C, M>) {
    this.#core = core
    this.traffic = core.counters.traffic
    this.#handlers = handlers
    this.#dispatch = dispatch
    this.#options = options
    this.#variants = new Map(options.codecs.map((codec) => [codec.subprotocol, { codec, batches: true }]))
    this.#backlog = backlogBounds(core.limits)
    this.#heartbeat = new Heartbeat(core.connections, core.limits, core.executor, core.turns)
    core.retention.start(core.retentionInterval)
  }

  get signal(): AbortSignal {
    return this.#options.stop.signal
  }

  get connectionsTotal(): number {
    return this.#connectionsTotal
  }

  chooseSubprotocol(offered: readonly string[]): string | undefined {
    return offered.find((name) => this.#variants.has(name))
  }

  refusal(): RotundaError | undefined {
    if (this.#closing !== undefined) return new RotundaError('shutting_down', 'The server is stopping; come back soon.')
    const { maxConnections } = this.#core.limits
    if (this.#core.connections.size + this.#options.companions.size < maxConnections) return undefined
    return new RotundaError('connection_limit', `The server has its ${maxConnections} connections; try later.`)
  }

  connect(peer: Peer, start: Start<M>): Connection {
    const { limits, connections, store } = this.#core
    const { identities } = this.#options
    const { admission } = start
    const connection = new Connection<M>(this, peer, {
      id: start.id ?? crypto.randomUUID(),
      node: this.#options.node,
      variant: start.variant ?? this.#variants.get(start.subprotocol) ?? PLAIN,
      metadata: start.metadata,
      address: admission?.address,
      backlog: this.#backlog,
    })
    // Asked before the upgrade too, but others may have come, or the hub begun to close, in the meantime.
    const refusal = this.refusal() ?? identities.refusal(admission, connection.address)
    if (refusal !== undefined) {
      connection.closeFor(refusal.code, refusal.message)
      return connection
    }
    connections.set(connection.id, connection)
    this.#connectionsTotal += 1
    identities.opened(connection, admission?.identity)
    const welcome: Welcome = {
      session: connection.id,
      node: this.#options.node,
      epoch: store.epoch,
      maxMessageSize: limits.maxMessageSize,
      maxBatch: MAX_BATCH,
      ...(admission?.identity === undefined ? {} : { identity: authenticated(admission.identity, Date.now()) }),
      ...(start.credential === undefined ? {} : { credential: start.credential }),
    }
    this.#options.logger.debug(`rotunda: session ${connection.id} opened from ${connection.address}.`)
    connection.sendReserved('session.welcome', welcome, {})
    this.#open(connection)
    return connection
  }

  receive(connection: Connection, frame: Frame): void {
    this.#dispatch.receive(connection, frame)
  }

  pinged(connection: Connection, data: Uint8Array): void {
    this.#tell('ping', connection, data)
  }

  ponged(connection: Connection, data: Uint8Array): void {
    this.#tell('pong', connection, data)
  }

  ended(connection: Connection, code: number, reason: string): void {
    const { connections, rooms, presence } = this.#core
    // One that was refused was never told of.
    if (!connections.delete(connection.id)) return
    this.#options.identities.ended(connection as Connection<M>)
    this.#core.counters.close(code)
    const { logger } = this.#options
    const log = code === CLOSE.slowConsumer || code === CLOSE.flooding ? logger.warn : logger.debug
    log(`rotunda: session ${connection.id} ended with ${code}.`)
    presence.ended(connection)
    rooms.leaveAll(connection)
    connection.replies?.end()
    if (connections.size === 0) this.#whenEmpty?.()
    this.#tell('close', connection, code, reason)
  }

  failed(code: ErrorCode): void {
    this.#core.counters.error(code)
  }

  /** @param window Milliseconds within which clients are told to come back. */
  close(window: number): Promise<void> {
    return this.#closing ??= this.#close(window)
  }

  async #close(window: number): Promise<void> {
    const { connections, publisher, executor, store } = this.#core
    const { companions, logger } = this.#options
    logger.info(`rotunda: closing, with ${connections.size} sessions.`)
    this.#core.retention.stop()
    if (window > 0) {
      for (const connection of connections.values()) connection.sendReserved('session.drain', { window }, {})
      await this.#empty(window)
    }
    // What comes from now on is refused as retryable: clients that go on publishing must not keep the hub from closing.
    await withinTime(publisher.close(), COMMIT_GRACE)
    this.#core.presence.close()
    for (const connection of connections.values()) connection.close(CLOSE.goingAway, 'The server is stopping.')
    await Promise.all([this.#empty(CLOSING_GRACE), withinTime(companions.close(), CLOSING_GRACE)])
    for (const connection of connections.values()) connection.peer.terminate()
    companions.terminate()
    await executor.idle(HANDLER_GRACE)
    this.#heartbeat.stop()
    this.#options.stop.abort(new RotundaError('shutting_down', 'The server is stopping.'))
    await this.#options.ownExecutor?.stop(STOP_GRACE)
    await store.close()
    logger.info('rotunda: closed.')
  }

  /** Resolves when no session is left, or after the given milliseconds. */
  #empty(milliseconds: number): Promise<void> {
    if (this.#core.connections.size === 0) return Promise.resolve()
    return withinTime(new Promise<void>((resolve) => this.#whenEmpty = resolve), milliseconds)
  }

  #open(connection: Connection<M>): void {
    const awaited: Promise<unknown>[] = []
    try {
      for (const handler of this.#handlers.get('open')) {
        const result = handler(this.#core.sessionOf(connection))
        if (isThenable(result)) awaited.push(Promise.resolve(result))
      }
    } catch (error) {
      awaited.push(Promise.reject(error))
    }
    if (awaited.length === 0) return this.#opened(connection)
    const opened = () => this.#opened(connection)
    const failed = (error: unknown) => this.#failOpen(connection, error)
    this.#dispatch.hold(connection, Promise.all(awaited).then(opened, failed))
  }

  #opened(connection: Connection<M>): void {
    if (connection.state === 'connecting') connection.state = 'open'
  }

  #failOpen(connection: Connection<M>, error: unknown): void {
    if (error instanceof RotundaError && error.code !== 'internal') {
      return connection.closeFor(error.code, error.message)
    }
    this.#handlers.report(error, this.#core.sessionOf(connection))
    connection.closeFor('internal', 'The server failed to open this session.')
  }

  #tell<K extends 'close' | 'ping' | 'pong'>(name: K, connection: Connection, ...details: DetailsOf<C, M, K>): void {
    const handlers = this.#handlers.get(name) as ReadonlySet<(...args: unknown[]) => unknown>
    if (handlers.size === 0) return
    const session = this.#core.sessionOf(connection)
    for (const handler of handlers) {
      try {
        const result = handler(session, ...details)
        if (!isThenable(result)) continue
        Promise.resolve(result).catch((error) => this.#handlers.report(error, session))
      } catch (error) {
        this.#handlers.report(error, session)
      }
    }
  }
}

type DetailsOf<C extends Contract, M, K extends keyof LifecycleHandlers<C, M>> =
  Parameters<LifecycleHandlers<C, M>[K]> extends [unknown, ...infer Rest] ? Rest : never
