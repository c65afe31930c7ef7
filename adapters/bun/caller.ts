import type { Caller } from '../../src/mod.ts'
import type { BunServer } from './runtime.ts'

/** What Bun knows of a request. */
export function bunCaller(server: BunServer, request: Request): Caller {
  const { address = '', port = 0 } = server.requestIP(request) ?? {}
  return {
    address,
    port,
    // Made when it is asked for: it costs memory for as long as the request lives.
    get gone() {
      return request.signal
    },
    // Bun gives up an answer for which nothing was sent in ten seconds.
    patient: () => server.timeout(request, 0),
  }
}
