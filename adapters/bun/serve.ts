import type { Server } from 'bun'
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
import { bunHandlers } from './handlers.ts'

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
export function serve<C extends Contract, M>(
  hub: Hub<C, M>,
  options: ServeOptions<Server<unknown>> = {},
): RotundaServer {
  const { hostname, fetch: next } = options
  const port = checkPort(options.port ?? 8080)
  const handlers = bunHandlers(hub, options)
  const server = listen(port, () =>
    Bun.serve({
      port,
      ...(hostname === undefined ? {} : { hostname }),
      fetch: (request: Request, server: Server<unknown>) => handlers.fetch(request, server, next),
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
