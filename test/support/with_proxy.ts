import { fallback, type FallbackOptions, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { type BadProxy, type Mischief, startBadProxy } from './bad_proxy.ts'
import { type ChatOptions, type ClientFixture, once, withClient } from './with_client.ts'

type Connected = ReturnType<ClientFixture['connect']>

/** A real server behind a proxy. */
export interface ProxyFixture {
  readonly proxy: BadProxy
  readonly direct: () => Connected
  /** A client that comes through the proxy, and its transports. */
  through(options?: FallbackOptions & ChatOptions, chosen?: Ways): {
    readonly client: Connected
    readonly transports: ReturnType<typeof fallback>
    /** Resolves when it uses this one. */
    uses(name: string): Promise<void>
  }
}

/** Some transports. */
export type Ways = Parameters<typeof fallback>[0]

/** All transports, the best first. */
export const ALL = (): Ways => [webSocket(), sse(), longPolling()]

/** Runs a test with a server behind a proxy that behaves like this. Clients decide fast, and do not go back unless told to. */
export function withProxy(mischief: Mischief, check: (fixture: ProxyFixture) => Promise<void>): Promise<void> {
  return withClient({}, async ({ server, connect }) => {
    const proxy = await startBadProxy(server.port, mischief)
    try {
      await check({
        proxy,
        direct: () => connect(),
        through: ({ patience = 400, retry = 60_000, ...options } = {}, chosen = ALL()) => {
          const transports = fallback(chosen, { patience, retry })
          const client = connect({ url: `http://127.0.0.1:${proxy.port}/ws`, use: [transports], ...options })
          const uses = async (name: string) => {
            if (transports.current !== name) await once(transports.onChange.bind(transports), (now) => now === name)
          }
          return { client, transports, uses }
        },
      })
    } finally {
      await proxy.stop()
    }
  })
}
