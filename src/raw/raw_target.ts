import { CLOSE } from '../protocol/close_codes.ts'
import { ERRORS, RotundaError } from '../protocol/errors.ts'
import {
  type Companion,
  type Companions,
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
  refusal(): RotundaError | undefined
  report(error: unknown): void
}

/** A raw service beside its hub: what takes its connections. */
export class RawTarget<M> implements Target<M>, Companion, LinkOwner {
  readonly limits: RawLimits
  readonly executor: Executor
  readonly #hub: RawHub
  readonly #handler: RawHandler<M>
  readonly #options: RawOptions<M>
  readonly #links = new Map<string, Link<M>>()
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

  metadataFor(request: Request): M | Promise<M> {
    const { metadata } = this.#options
    // Without the option M is Record<string, unknown>, which an empty object is.
    return metadata === undefined ? {} as M : metadata(request)
  }

  connect(peer: Peer, start: { readonly subprotocol: string | undefined; readonly metadata: M }): Link<M> {
    const link = new Link<M>(this, peer)
    const connection = link.connection = new RawConnection(link, start)
    // Asked before the upgrade too, but others may have come, or the hub begun to close, in the meantime.
    const refusal = this.refusal()
    if (refusal !== undefined) {
      link.close(ERRORS[refusal.code].close, refusal.message)
      return link
    }
    this.#links.set(link.id, link)
    void link.run(() => this.#handler(connection))
    return link
  }

  ended(id: string): void {
    this.#links.delete(id)
    if (this.#links.size === 0) this.#whenEmpty?.()
  }

  report(error: unknown): void {
    this.#hub.report(error)
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
