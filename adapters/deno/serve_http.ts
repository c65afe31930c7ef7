import { checkPort, listen, type Next, type RotundaServer } from '../../src/mod.ts'
import { denoRuntime, type DenoServeInfo } from './runtime.ts'

/**
 * Serves an HTTP application alone, for the HTTP side of an attached runtime with two ports.
 * @throws {RotundaError} `invalid_config` when the port cannot be used, or where there is no Deno.
 */
export function serveHttp(
  fetch: Next<DenoServeInfo>,
  { port = 8080, hostname }: { port?: number; hostname?: string } = {},
): RotundaServer {
  const runtime = denoRuntime()
  const address = { port: checkPort(port), ...(hostname === undefined ? {} : { hostname }), onListen: () => {} }
  const server = listen(port, () => runtime.serve(address, fetch))
  const listening = server.addr.port ?? port
  let stopping: Promise<void> | undefined
  return {
    port: listening,
    url: new URL(`http://${hostname ?? 'localhost'}:${listening}/`),
    stop: () => stopping ??= server.shutdown(),
  }
}
