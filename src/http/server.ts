import { RotundaError } from '../protocol/errors.ts'
import type { RouteOptions } from './router.ts'

/** Answers a request that is not rotunda's. `context` is what the runtime gives beside a request. */
export type Next<Context> = (request: Request, context: Context) => Response | Promise<Response>

/** Where and how to serve. */
export interface ServeOptions<Context> extends RouteOptions {
  /** Default 8080; 0 takes any free one. */
  readonly port?: number
  /** Default: all addresses. */
  readonly hostname?: string
  /** Answers what is not rotunda's, on the same port. Default: 404. */
  readonly fetch?: Next<Context>
}

/** A server that is listening. */
export interface RotundaServer {
  readonly port: number
  readonly url: URL
  /**
   * Stops: no new connections; clients are told to come back within `drain` seconds (default 0: at once); what waits
   * is stored and acknowledged; every session is closed with 1001; hub, store and port are released. Idempotent.
   */
  stop(options?: { drain?: number }): Promise<void>
}

/** @throws {RotundaError} `invalid_config` */
export function checkPort(port: number, name = 'port'): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new RotundaError('invalid_config', `${name} is ${port}; it must be a whole number from 0 to 65535.`)
}

/** Calls what binds a port. @throws {RotundaError} `invalid_config` when the port cannot be used. */
export function listen<Server>(port: number, bind: () => Server): Server {
  try {
    return bind()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RotundaError('invalid_config', `Port ${port} cannot be used: ${reason}. Choose another port.`, { cause })
  }
}
