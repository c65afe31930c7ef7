import { type Client, type ClientOptions, createClient } from '../../src/client/mod.ts'
import { createHub, type Hub, type HubOptions } from '../../src/mod.ts'
import { fixture } from './hosts/fixture_protocol.ts'

export type FixtureContract = typeof fixture['definitions']
export type FixtureClient = Client<FixtureContract>

/** A hub that is served in the test's own process, and what makes clients of it. */
export interface HubFixture {
  readonly hub: Hub<FixtureContract, object>
  readonly url: string
  connect(options?: Partial<Omit<ClientOptions<FixtureContract>, 'protocol'>>): FixtureClient
}

/** Runs a test that is on both ends: with a hub of the fixture's contract, and clients over real sockets. */
export async function withHub(
  options: Partial<HubOptions<FixtureContract, object>>,
  test: (fixture: HubFixture) => Promise<void>,
): Promise<void> {
  const hub: Hub<FixtureContract, object> = createHub({ protocol: fixture, ...options })
  const { serve } = 'Deno' in globalThis
    ? await import('../../adapters/deno/mod.ts')
    : await import('../../adapters/bun/mod.ts')
  const server = serve(hub, { port: 0, hostname: '127.0.0.1' })
  const url = `ws://127.0.0.1:${server.port}/ws`
  const clients: FixtureClient[] = []
  const connect: HubFixture['connect'] = (more = {}) => {
    const client = createClient({ url, protocol: fixture, backoff: { base: 50, max: 200 }, ...more })
    clients.push(client)
    return client
  }
  try {
    await test({ hub, url, connect })
  } finally {
    for (const client of clients) client.close()
    await server.stop()
  }
}

/** The id of a client's session, as soon as it has one. */
export function sessionOf(client: FixtureClient): Promise<string> {
  return new Promise((resolve) => {
    const off = client.onOpen(({ session }) => {
      off()
      resolve(session)
    })
  })
}
