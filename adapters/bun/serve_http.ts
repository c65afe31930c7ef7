import { checkPort, listen, type Next, type RotundaServer } from '../../src/mod.ts'

/**
 * Serves an HTTP application alone, for the HTTP side of an attached runtime with two ports.
 * @throws {RotundaError} `invalid_config` when the port cannot be used.
 */
export function serveHttp(
  fetch: Next<Bun.Server<unknown>>,
  { port = 8080, hostname }: { port?: number; hostname?: string } = {},
): RotundaServer {
  const address = { port: checkPort(port), ...(hostname === undefined ? {} : { hostname }) }
  const server = listen(port, () => Bun.serve({ ...address, fetch: (request, self) => fetch(request, self) }))
  let stopping: Promise<void> | undefined
  // Requests under way are answered; Bun resolves when they are.
  return { port: server.port ?? port, url: server.url, stop: () => stopping ??= server.stop() }
}
