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
import { denoHandler } from './handler.ts'
import { denoRuntime, type DenoServeInfo } from './runtime.ts'

/**
 * Serves a hub with `Deno.serve`, HTTP and WebSocket on one port.
 *
 * @throws {RotundaError} `invalid_config` when the port cannot be used, or where there is no Deno.
 * @example
 * ```ts
 * const server = serve(hub, { port: 8080 })
 * console.log(`listening on ${server.url}`)
 * ```
 */
export function serve<C extends Contract, M>(
  hub: Hub<C, M>,
  options: ServeOptions<DenoServeInfo> = {},
): RotundaServer {
  const { hostname, fetch: next } = options
  const port = checkPort(options.port ?? 8080)
  const handler = denoHandler(hub, options)
  const runtime = denoRuntime()
  const settings = {
    port,
    ...(hostname === undefined ? {} : { hostname }),
    onListen: () => {},
    onError: (cause: unknown) => {
      hub.report(cause)
      return errorResponse(new RotundaError('internal', 'The server failed to answer this request.', { cause }))
    },
  }
  const server = listen(port, () => runtime.serve(settings, (request, info) => handler(request, info, next)))
  const listening = server.addr.port ?? port
  let stopping: Promise<void> | undefined
  return {
    port: listening,
    url: new URL(`http://${hostname ?? 'localhost'}:${listening}/`),
    stop: (how) => stopping ??= hub.close(how).finally(() => server.shutdown()),
  }
}
