import { checkPort, errorResponse, listen, type Next, RotundaError, type RotundaServer } from '../../src/mod.ts'
import { type BunServer, requireBun } from './runtime.ts'

/**
 * Serves an HTTP application alone, for the HTTP side of an attached runtime with two ports.
 * @throws {RotundaError} `invalid_config` when the port cannot be used, or where there is no Bun.
 */
export function serveHttp(
  fetch: Next<BunServer>,
  { port = 8080, hostname }: { port?: number; hostname?: string } = {},
): RotundaServer {
  const runtime = requireBun()
  const address = { port: checkPort(port), ...(hostname === undefined ? {} : { hostname }) }
  const server = listen(port, () =>
    runtime.serve({
      ...address,
      fetch: (request, self) => fetch(request, self),
      // Bun's own page for what `fetch` throws shows source code and paths to whoever asked.
      error: (cause) => {
        console.error('rotunda: the HTTP application failed:', cause)
        return errorResponse(new RotundaError('internal', 'The server failed to answer this request.', { cause }))
      },
    }))
  let stopping: Promise<void> | undefined
  // Requests under way are answered; Bun resolves when they are.
  return { port: server.port ?? port, url: server.url, stop: () => stopping ??= server.stop() }
}
