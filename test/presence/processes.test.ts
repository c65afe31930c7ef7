import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Relay, startRelay } from '../support/relay_broker.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

const LEASE = 3
const GRACE = 1
const SLOW = { timeout: 60_000 }

/** A client of a user in a room, present with a state, or watching where there is none. */
async function enter({ port }: SpawnedServer, room: string, user: string, state?: unknown): Promise<WireClient> {
  const client = await WireClient.open(port)
  client.send(`!user ${user}`)
  client.send({ type: 'room.join', room, ref: 'j', payload: {} })
  await client.next({ type: 'room.joined', ref: 'j' })
  const request = state === undefined ? { type: 'presence.watch' } : { type: 'presence.set', payload: { state } }
  client.send({ room, ref: 'p', payload: {}, ...request })
  await client.next({ kind: 'reply', ref: 'p' })
  return client
}

const news = (client: WireClient) => client.unread.filter(({ type }) => /^presence\.(?:join|leave|update)$/.test(type))

describe('N2 two processes behind one broker', () => {
  let relay: Relay
  const servers: SpawnedServer[] = []
  const start = async (node: string) => {
    const presence = { lease: LEASE, grace: GRACE }
    const server = await spawnServer({ node, events: true, relay: relay.port, presence })
    servers.push(server)
    return server
  }

  before(async () => {
    relay = await startRelay()
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')))
    await relay.stop()
  })

  test('see each other; kill -9 of one leaves no ghosts after the lease', SLOW, async () => {
    const [a, b] = [await start('a'), await start('b')]
    const watcher = await enter(b, 'killed', 'watcher')
    await watcher.next({ type: 'presence.state' })
    const users = ['ana', 'ben', 'cy']
    const clients = await Promise.all(users.map((user) => enter(a, 'killed', user, { user })))
    const seen = new Map<string, unknown>()
    while (seen.size < users.length) {
      const { payload } = await watcher.next({ type: 'presence.join' })
      for (const { member, state } of (payload as { members: { member: string; state: unknown }[] }).members) {
        seen.set(member, state)
      }
    }
    assert.deepEqual(Object.fromEntries(seen), Object.fromEntries(users.map((user) => [user, { user }])))
    // Also after many beats nobody is given up who lives.
    await new Promise((resolve) => setTimeout(resolve, 1.5 * LEASE * 1000))
    assert.deepEqual(news(watcher), [])
    const killed = performance.now()
    await a.stop('SIGKILL')
    const { payload } = await watcher.next({ type: 'presence.leave' })
    const seconds = (performance.now() - killed) / 1000
    assert.deepEqual((payload as { members: string[] }).members.sort(), users)
    // One second more for a machine that is busy.
    assert.ok(seconds <= LEASE + 1, `gone after ${seconds} s`)
    await Promise.all(clients.map((client) => client.closed))
    await watcher.close()
  })

  test('a user whose node is killed, and who is back on the other, was never away', SLOW, async () => {
    const [c, d] = [await start('c'), await start('d')]
    const watcher = await enter(d, 'back', 'watcher')
    await watcher.next({ type: 'presence.state' })
    const before = await enter(c, 'back', 'ana', 1)
    await watcher.next({ type: 'presence.join' })
    const other = await enter(c, 'back', 'ben', 1)
    await watcher.next({ type: 'presence.join' })
    await c.stop('SIGKILL')
    await Promise.all([before.closed, other.closed])
    const after = await enter(d, 'back', 'ana', 1)
    const { payload } = await watcher.next({ type: 'presence.leave' })
    assert.deepEqual((payload as { members: string[] }).members, ['ben'])
    assert.deepEqual(news(watcher), [])
    await Promise.all([after.close(), watcher.close()])
  })

  test('a user who moves between live nodes within the grace was never away', SLOW, async () => {
    const [e, f] = [await start('e'), await start('f')]
    const watcher = await enter(f, 'moves', 'watcher')
    await watcher.next({ type: 'presence.state' })
    let client = await enter(e, 'moves', 'ana', 1)
    await watcher.next({ type: 'presence.join' })
    for (const server of [f, e, f]) {
      await client.close()
      client = await enter(server, 'moves', 'ana', 1)
    }
    const marker = await enter(e, 'moves', 'ben', 1)
    await marker.close()
    assert.deepEqual(
      ((await watcher.next({ type: 'presence.join' })).payload as { members: { member: string }[] }).members[0]!.member,
      'ben',
    )
    // Ben's grace is over after those of all that ana has left behind.
    assert.deepEqual(((await watcher.next({ type: 'presence.leave' })).payload as { members: string[] }).members, [
      'ben',
    ])
    assert.deepEqual(news(watcher), [])
    await Promise.all([client.close(), watcher.close()])
  })
})
