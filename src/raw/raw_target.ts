import { CLOSE } from '../protocol/close_codes.ts'
import { type ErrorCode, ERRORS, RotundaError } from '../protocol/errors.ts'
import {
  Admission,
  type Companion,
  type Companions,
  type Entering,
  type Entrance,
  type Executor,
  Heartbeat,
  type Limits,
  type Peer,
  type Target,
} from '../hub/mod.ts'
import { checkRawLimits, type RawLimits } from './limits.ts'
import { Link, type LinkOwner } from './link.ts'
import { RawConnection } from './raw_connection.ts'
import type { RawHandler, RawOptions } from './raw_service.ts'

/** What a raw service needs of the hub it lives beside. */
export interface RawHub {
  readonly limits: Limits
  readonly companions: Companions
  readonly entrance: Entrance
  refusal(): RotundaError | undefined
  report(error: unknown): void
  refused(code: ErrorCode): void
}

/** A raw service beside its hub: what takes its connections. */
export class RawTarget<M> implements Target<M>, Companion, LinkOwner {
  readonly limits: RawLimits
  readonly executor: Executor
  readonly #hub: RawHub
  readonly #handler: RawHandler<M>
  readonly #options: RawOptions<M>
  readonly #links = new Map<string, Link<M>>()
  readonly #addresses = new Map<string, string>()
  readonly #heartbeat: Heartbeat
  #whenEmpty: (() => void) | undefined

  constructor(hub: RawHub, handler: RawHandler<M>, options: RawOptions<M>) {
    this.#hub = hub
    this.#handler = handler
    this.#options = options
    this.limits = checkRawLimits(options.limits ?? {}, hub.limits)
    this.executor = hub.companions.executor
    hub.companions.add(this)
    this.#heartbeat = new Heartbeat(this.#links, this.limits, this.executor)
  }

  get size(): number {
    return this.#links.size
  }

  get connections(): RawConnection<M>[] {
    return [...this.#links.values()].map(({ connection }) => connection)
  }

  refusal(): RotundaError | undefined {
    const refusal = this.#hub.refusal()
    const { maxConnections } = this.limits
    if (refusal !== undefined || this.size < maxConnections) return refusal
    return new RotundaError('connection_limit', `The service has its ${maxConnections} connections; try later.`)
  }

  chooseSubprotocol(offered: readonly string[]): string | undefined {
    const { subprotocols = [] } = this.#options
    if (typeof subprotocols !== 'function') return offered.find((name) => subprotocols.includes(name))
    const chosen = subprotocols(offered)
    if (chosen === undefined || offered.includes(chosen)) return chosen
    throw new TypeError(`The service chose the subprotocol "${chosen}", which the client has not offered.`)
  }

  /** Origins and addresses are judged as by the hub; who somebody is, by the service's own `metadata`. */
  admit(request: Request, entering: Entering<M>): Admission<M> | Promise<Admission<M>> {
    const { entrance } = this.#hub
    const address = entrance.pass(request, entering)
    // Without the option M is Record<string, unknown>, which an empty object is.
    const make = entering.metadata ?? this.#options.metadata ?? (() => ({}) as M)
    return entrance.run<Admission<M>>(() => {
      const made = make(request, undefined)
      const admission = (metadata: M) => new Admission(metadata, { identity: undefined, address, since: 0 })
      return made instanceof Promise ? made.then(admission) : admission(made)
    })
  }

  connect(
    peer: Peer,
    start: { readonly subprotocol: string | undefined; readonly metadata: M; readonly admission?: Admission<M> },
  ): Link<M> {
    const link = new Link<M>(this, peer)
    const { entrance } = this.#hub
    const address = start.admission?.address ?? peer.remoteAddress
    const connection = link.connection = new RawConnection(link, start)
    // Asked before the upgrade too, but others may have come, or the hub begun to close, in the meantime.
    const refusal = this.refusal() ?? entrance.refusal(address)
    if (refusal !== undefined) {
      link.close(ERRORS[refusal.code].close, refusal.message)
      return link
    }
    this.#links.set(link.id, link)
    this.#addresses.set(link.id, address)
    entrance.entered(address)
    void link.run(() => this.#handler(connection))
    return link
  }

  ended(id: string): void {
    if (this.#links.delete(id)) this.#hub.entrance.left(this.#addresses.get(id) ?? '')
    this.#addresses.delete(id)
    if (this.#links.size === 0) this.#whenEmpty?.()
  }

  report(error: unknown): void {
    this.#hub.report(error)
  }

  refused(code: ErrorCode): void {
    this.#hub.refused(code)
  }

  close(): Promise<void> {
    for (const link of this.#links.values()) link.close(CLOSE.goingAway, 'The server is stopping.')
    if (this.#links.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty = resolve)
  }

  terminate(): void {
    for (const link of this.#links.values()) link.peer.terminate()
    this.#heartbeat.stop()
  }
}
