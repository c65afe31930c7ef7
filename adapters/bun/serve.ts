import {
  checkPort,
  type Contract,
  errorResponse,
  type Hub,
  listen,
  RotundaError,
  type RotundaServer,
  type ServeOptions,
} from '../../src/mod.ts'
import { bunHandlers, type BunOptions } from './handlers.ts'
import { type BunServer, requireBun } from './runtime.ts'

/** Where and how to serve on Bun. */
export interface BunServeOptions extends ServeOptions<BunServer>, BunOptions {}

/**
 * Serves a hub with `Bun.serve`, HTTP and WebSocket on one port.
 *
 * @throws {RotundaError} `invalid_config` when the port cannot be used, or where there is no Bun.
 * @example
 * ```ts
 * const server = serve(hub, { port: 8080 })
 * console.log(`listening on ${server.url}`)
 * ```
 */
export function serve<C extends Contract, M>(
  hub: Hub<C, M>,
  options: BunServeOptions = {},
): RotundaServer {
  const runtime = requireBun()
  const { hostname, fetch: next } = options
  const port = checkPort(options.port ?? 8080)
  const handlers = bunHandlers(hub, options)
  const server = listen(port, () =>
    runtime.serve({
      port,
      ...(hostname === undefined ? {} : { hostname }),
      fetch: (request: Request, server: BunServer) => handlers.fetch(request, server, next),
      websocket: handlers.websocket,
      // Bun's own page for what `fetch` throws shows source code and paths to whoever asked.
      error: (cause: unknown) => {
        hub.report(cause)
        return errorResponse(new RotundaError('internal', 'The server failed to answer this request.', { cause }))
      },
    }))
  let stopping: Promise<void> | undefined
  return {
    port: server.port ?? port,
    url: server.url,
    stop: (how) => stopping ??= hub.close(how).finally(() => server.stop(true)),
  }
}
