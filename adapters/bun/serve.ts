import { type Contract, errorResponse, type Hub, RotundaError, type RouteOptions } from '../../src/mod.ts'
import { bunHandlers, type Next } from './handlers.ts'

/** Where and how to serve. */
export interface ServeOptions extends RouteOptions {
  /** Default 8080; 0 takes any free one. */
  readonly port?: number
  /** Default: all addresses. */
  readonly hostname?: string
  /** Answers what is not rotunda's, on the same port. Default: 404. */
  readonly fetch?: Next
}

/** A server that is listening. */
export interface RotundaServer {
  readonly port: number
  readonly url: URL
  /** Ends every session with 1001, stores what waits, closes hub and store, and frees the port. Idempotent. */
  stop(): Promise<void>
}

/**
 * Serves a hub with `Bun.serve`, HTTP and WebSocket on one port.
 *
 * @throws {RotundaError} `invalid_config` when the port cannot be used.
 * @example
 * ```ts
 * const server = serve(hub, { port: 8080 })
 * console.log(`listening on ${server.url}`)
 * ```
 */
export function serve<C extends Contract, M>(hub: Hub<C, M>, options: ServeOptions = {}): RotundaServer {
  const { port = 8080, hostname, fetch: next } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RotundaError('invalid_config', `port is ${port}; it must be a whole number from 0 to 65535.`)
  }
  const handlers = bunHandlers(hub, options)
  const server = listen(port, {
    ...(hostname === undefined ? {} : { hostname }),
    fetch: (request: Request, server: Bun.Server<unknown>) => handlers.fetch(request, server, next),
    websocket: handlers.websocket,
    // Bun's own page for what `fetch` throws shows source code and paths to whoever asked.
    error: (cause: unknown) => {
      console.error(cause)
      return errorResponse(new RotundaError('internal', 'The server failed to answer this request.', { cause }))
    },
  })
  let stopping: Promise<void> | undefined
  return {
    port: server.port ?? port,
    url: server.url,
    stop: () => stopping ??= stopAfter(hub, server),
  }
}

function listen<D>(port: number, options: Omit<Bun.Serve.Options<D>, 'port'>): Bun.Server<D> {
  try {
    return Bun.serve({ ...options, port } as Bun.Serve.Options<D>)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RotundaError('invalid_config', `Port ${port} cannot be used: ${reason}. Choose another port.`, { cause })
  }
}

async function stopAfter<C extends Contract, M, D>(hub: Hub<C, M>, server: Bun.Server<D>): Promise<void> {
  const closed = hub.close()
  await closed
  await server.stop(true)
}
