import { RotundaError } from '../protocol/errors.ts'
import type { RawLimits } from './limits.ts'
import type { RawConnection } from './raw_connection.ts'
import { type RawHub, RawTarget } from './raw_target.ts'

/** Takes a new connection. What it returns is awaited when the hub closes, and ends the connection if it rejects. */
export type RawHandler<M> = (connection: RawConnection<M>) => unknown

/** What a raw service is made of, beside its handler. */
export interface RawOptions<M> {
  /**
   * Makes a connection's `metadata` from the request that opens it: its URL, its headers. A RotundaError that it throws
   * refuses the connection with its HTTP status. Default: an empty object.
   */
  readonly metadata?: (request: Request) => M | Promise<M>
  /**
   * The subprotocols it speaks; the first one offered of them is chosen. Or what chooses among those a client offers.
   * Default: none.
   */
  readonly subprotocols?: readonly string[] | ((offered: readonly string[]) => string | undefined)
  /** Bounds; see {@link RawLimits}. */
  readonly limits?: Partial<RawLimits>
}

/**
 * A service for WebSockets that do not speak rotunda's protocol: each connection is handed to the handler as it is. It is
 * served beside a hub, at a path of its own, and lives as long as the hub.
 *
 * @example
 * ```ts
 * const echo = rawService((connection) => {
 *   connection.onData((_, data) => connection.send(data))
 * })
 * serve(hub, { port: 8080, raw: { '/echo': echo } })
 * ```
 */
export function rawService<M = Record<string, unknown>>(
  handler: RawHandler<M>,
  options: RawOptions<M> = {},
): RawService<M> {
  return new RawService(handler, options)
}

/** A raw service; made with {@link rawService}. */
export class RawService<M = unknown> {
  readonly #handler: RawHandler<M>
  readonly #options: RawOptions<M>
  #hub: RawHub | undefined
  #target: RawTarget<M> | undefined

  constructor(handler: RawHandler<M>, options: RawOptions<M>) {
    this.#handler = handler
    this.#options = options
  }

  /** Its open connections. */
  get connections(): RawConnection<M>[] {
    return this.#target?.connections ?? []
  }

  /** How many they are. */
  get size(): number {
    return this.#target?.size ?? 0
  }

  /**
   * Makes it a companion of a hub, which owns its work and closes it; for adapters. At several paths, and through
   * several adapters, it is one service still.
   * @throws {RotundaError} `invalid_config` for limits that are not allowed, or when another hub has it.
   */
  attach(hub: RawHub): RawTarget<M> {
    if (this.#hub !== undefined && this.#hub !== hub) {
      throw new RotundaError('invalid_config', 'This raw service is beside another hub already; make one for each hub.')
    }
    this.#target ??= new RawTarget(hub, this.#handler, this.#options)
    this.#hub = hub
    return this.#target
  }
}
