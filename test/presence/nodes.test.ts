import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import type { PresenceChange } from '../../src/mod.ts'
import { FakeExecutor } from '../support/fake_executor.ts'
import { FINE, LossyNetwork } from '../support/lossy_network.ts'
import { Random } from '../support/random.ts'
import { range } from '../support/test_hub.ts'
import { Scene, type TestClient } from './support.ts'

const seed = Number(process.env['ROTUNDA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Nodes on one network and one clock. */
class Cluster {
  readonly time = new FakeExecutor()
  readonly network: LossyNetwork

  constructor(random = new Random(1)) {
    this.network = new LossyNetwork(this.time, random)
  }

  start(node: string, options: ConstructorParameters<typeof Scene>[0] = {}): Scene {
    return new Scene({ node, ...options }, { time: this.time, broker: this.network.join(node) })
  }

  /** Starts nodes that know each other. */
  nodes(...names: string[]): Scene[] {
    const nodes = names.map((name) => this.start(name))
    this.time.advance(1_000)
    return nodes
  }

  async end(...nodes: Scene[]): Promise<void> {
    await Promise.all(nodes.map(({ hub }) => hub.close()))
    await this.time.stop()
  }
}

/** One who has been told who is here. */
async function watching(at: Scene, user = 'watcher'): Promise<TestClient> {
  const watcher = await asking(at, user)
  at.time.advance(100)
  return watcher
}

/** One who has just asked who is here. */
async function asking(at: Scene, user = 'watcher'): Promise<TestClient> {
  const watcher = await at.client(user)
  await watcher.ask('presence.watch')
  return watcher
}

const members = async (at: Scene, room = 'r') => (await at.hub.room(room).presence()).map(({ member }) => member).sort()

describe('N2 presence over several nodes', () => {
  test('who watches on one node sees who is present on another, and every change there', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const ana = await a.client('ana')
    await ana.set(1)
    cluster.time.advance(100)
    const watcher = await watching(b)
    cluster.time.advance(100)
    assert.deepEqual(watcher.news(), ['state ana'], 'what others have comes first, not as news')
    const ben = await b.client('ben')
    await ben.set()
    await ana.set(2)
    cluster.time.advance(200)
    assert.deepEqual(watcher.view(), { ana: 2, ben: null })
    await ana.ask('presence.clear')
    cluster.time.advance(200)
    assert.deepEqual(watcher.view(), { ben: null })
    await cluster.end(a, b)
  })

  test('a change of many members arrives in pieces, and whole', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    for (const round of [1, 2]) {
      for (const i of range(1, 300)) {
        const client = await a.client(`user ${round} ${i}`)
        client.peer.say({ type: 'presence.set', room: 'r', payload: { state: 'x'.repeat(3_000) } })
      }
      cluster.time.advance(200)
      assert.equal(Object.keys(watcher.view()).length, 300 * round)
    }
    const late = cluster.start('c')
    cluster.time.advance(1_000)
    const other = await watching(late)
    cluster.time.advance(1_000)
    assert.deepEqual(other.view(), watcher.view())
    await cluster.end(a, b, late)
  })

  test('a user on two nodes is one member, with what was said last, and gone with the last of both', async () => {
    const cluster = new Cluster()
    const [a, b, c] = cluster.nodes('a', 'b', 'c') as [Scene, Scene, Scene]
    const watcher = await watching(c)
    const [one, two] = [await a.client('ana'), await b.client('ana')]
    await one.set('one')
    cluster.time.advance(100)
    await new Promise((resolve) => setTimeout(resolve, 2))
    await two.set('two')
    cluster.time.advance(200)
    assert.deepEqual(watcher.view(), { ana: 'two' })
    await two.ask('presence.clear')
    cluster.time.advance(200)
    assert.deepEqual([watcher.news(), watcher.view()], [['state', 'join ana', 'update ana', 'update ana'], {
      ana: 'one',
    }])
    await one.ask('presence.clear')
    cluster.time.advance(200)
    assert.deepEqual(watcher.view(), {})
    await cluster.end(a, b, c)
  })

  test('a user who loses one node and is back on another within the grace was never away', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watchers = [await watching(a), await watching(b, 'other')]
    const before = await a.client('ana')
    await before.set('here')
    cluster.time.advance(200)
    for (const watcher of watchers) assert.equal(watcher.news().at(-1), 'join ana')
    before.lose()
    cluster.time.advance(4_000)
    const after = await b.client('ana')
    await after.set('here')
    cluster.time.advance(60_000)
    for (const watcher of watchers) assert.deepEqual([watcher.news(), watcher.view()], [[], { ana: 'here' }])
    await cluster.end(a, b)
  })

  test('a user who leaves on the second node is gone at once, though the first would have waited', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(a)
    const before = await a.client('ana')
    await before.set()
    cluster.time.advance(200)
    before.lose()
    const after = await b.client('ana')
    await after.set()
    cluster.time.advance(200)
    await after.ask('room.leave')
    cluster.time.advance(200)
    assert.deepEqual(watcher.view(), {})
    await cluster.end(a, b)
  })

  test('a node that is killed takes its members with it within the lease, and not before', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    await (await a.client('ana')).set()
    cluster.time.advance(60_000)
    assert.deepEqual(watcher.view(), { ana: null })
    cluster.network.cut('a')
    cluster.time.advance(9_000)
    assert.deepEqual(watcher.view(), { ana: null })
    cluster.time.advance(6_000)
    cluster.time.advance(50)
    assert.deepEqual(watcher.view(), {})
    await cluster.end(a, b)
  })

  test('a node that is cut off and comes back has its members again', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watchers = [await watching(a), await watching(b)]
    await (await a.client('ana')).set(1)
    await (await b.client('ben')).set(2)
    cluster.network.weather = { ...FINE, loss: 1 }
    cluster.time.advance(20_000)
    assert.deepEqual(watchers.map((watcher) => watcher.view()), [{ ana: 1 }, { ben: 2 }])
    cluster.network.weather = FINE
    cluster.time.advance(10_000)
    for (const watcher of watchers) assert.deepEqual(watcher.view(), { ana: 1, ben: 2 })
    await cluster.end(a, b)
  })

  test('what was lost of a node is found by comparing, also where nobody is any more', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    const [ana, ben] = [await a.client('ana'), await a.client('ben')]
    for (
      const [change, here] of [
        [() => ana.set(1), { ana: 1 }],
        [() => ben.set(2), { ana: 1, ben: 2 }],
        [() => ana.ask('presence.clear'), { ben: 2 }],
        [() => ben.lose(), {}],
      ] as const
    ) {
      cluster.network.weather = { ...FINE, loss: 1 }
      await change()
      cluster.time.advance(5_200)
      cluster.network.weather = FINE
      cluster.time.advance(5_000)
      assert.deepEqual(watcher.view(), here)
    }
    assert.equal(a.hub.metrics.presence.rooms, 0)
    await cluster.end(a, b)
  })

  test('a node that stops leaves its members the grace to come back elsewhere', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    for (const user of ['ana', 'ben']) await (await a.client(user)).set(user)
    cluster.time.advance(200)
    assert.equal(watcher.news().at(-1), 'join ana ben')
    await a.hub.close()
    cluster.time.advance(2_000)
    await (await b.client('ana')).set('ana')
    cluster.time.advance(3_000)
    assert.deepEqual(watcher.news(), [])
    cluster.time.advance(1_100)
    assert.deepEqual([watcher.news(), watcher.view()], [['leave ben'], { ana: 'ana' }])
    await cluster.end(b)
  })

  test('a node that is killed and started again is another: who is not back within the grace is gone', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    for (const user of ['ana', 'ben']) await (await a.client(user)).set(user)
    cluster.time.advance(200)
    watcher.news()
    cluster.network.cut('a')
    cluster.time.advance(1_000)
    const again = cluster.start('a')
    cluster.time.advance(1_000)
    await (await again.client('ana')).set('ana')
    cluster.time.advance(6_000)
    assert.deepEqual([watcher.news(), watcher.view()], [['leave ben'], { ana: 'ana' }])
    await cluster.end(a, b, again)
  })

  test('nodes that do not care for a room hear nothing of it', async () => {
    const cluster = new Cluster()
    const [a, b, c] = cluster.nodes('a', 'b', 'c') as [Scene, Scene, Scene]
    await watching(b)
    const ana = await a.client('ana')
    await ana.set(0)
    cluster.time.advance(5_000)
    const before = cluster.network.delivered.get('c') ?? 0
    for (const i of range(1, 40)) {
      await ana.set(i)
      cluster.time.advance(50)
    }
    const more = cluster.network.delivered.get('c')! - before
    assert.ok(more <= 4, `${more} messages for a node without anybody in the room`)
    await cluster.end(a, b, c)
  })

  test('the server is told on every node, also where nobody is in the room', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    await (await a.client('ana')).set()
    const here = members(b)
    await cluster.time.pass(100)
    assert.deepEqual(await here, ['ana'])
    assert.equal(b.hub.metrics.presence.rooms, 0)
    const changes: PresenceChange[] = []
    b.hub.onPresence((change) => void changes.push(change))
    await (await b.client('ben')).set()
    await cluster.time.pass(200)
    assert.deepEqual(changes.map(({ type, member }) => `${type} ${member}`).sort(), ['join ana', 'join ben'])
    await cluster.end(a, b)
  })

  test('a first answer waits for other nodes, but not for ever', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    cluster.network.cut('a')
    const watcher = await asking(b)
    cluster.time.advance(500)
    assert.deepEqual(watcher.news(), [])
    cluster.time.advance(500)
    assert.deepEqual(watcher.news(), ['state'])
    await cluster.end(a, b)
  })

  test('messages that are not of ours, or malformed, change nothing', async () => {
    const cluster = new Cluster()
    const [a, b] = cluster.nodes('a', 'b') as [Scene, Scene]
    const watcher = await watching(b)
    await (await a.client('ana')).set()
    cluster.time.advance(200)
    const stranger = cluster.network.join('stranger')
    for (const topic of ['rotunda:presence', 'rotunda:presence:room:r']) {
      for (const text of ['', '{', '{"v":1}', '{"v":9,"node":"x","instance":"y","kind":"beat"}']) {
        stranger.publish(topic, new TextEncoder().encode(text))
      }
    }
    cluster.time.advance(1_000)
    assert.deepEqual(watcher.view(), { ana: null })
    await cluster.end(a, b)
  })
})

describe('N2 whatever the network does', () => {
  for (const round of range(1, 12)) {
    test(`once it is fine again all watchers see whom the live nodes have, and no ghosts (${round})`, {
      timeout: 60_000,
    }, async () => {
      const random = new Random(seed + round)
      const cluster = new Cluster(random)
      const rooms = ['r', 's']
      let nodes = cluster.nodes('a', 'b', 'c').map((at) => ({
        at,
        clients: [] as { client: TestClient; user: string }[],
      }))
      const said = new Map<TestClient, Map<string, unknown>>()
      const watchers: { client: TestClient; at: Scene }[] = []
      const watch = async (at: Scene) => {
        const client = await at.client('watcher', rooms)
        for (const room of rooms) await client.ask('presence.watch', {}, room)
        watchers.push({ client, at })
      }
      // Where nobody watches, a room is forgotten whenever nobody is in it.
      for (const { at } of nodes) if (random.chance(0.5)) await watch(at)
      cluster.network.weather = { loss: random.pick([0, 0.1, 0.5]), repeats: 0.2, delay: random.pick([0, 40, 400]) }
      for (let step = 0; step < 120; step++) {
        const node = random.pick(nodes)
        const { client } = node.clients.length === 0 ? { client: undefined } : random.pick(node.clients)
        const room = random.pick(rooms)
        const act = random.whole(0, 99)
        if (act < 20 || client === undefined) {
          const user = `user ${random.whole(1, 8)}`
          const added = await node.at.client(user, rooms)
          node.clients.push({ client: added, user })
          said.set(added, new Map())
        } else if (act < 65) {
          const state = random.whole(1, 1_000)
          client.peer.say({ type: 'presence.set', room, payload: { state } })
          said.get(client)!.set(room, state)
        } else if (act < 80) {
          client.peer.say({ type: 'presence.clear', room, payload: {} })
          said.get(client)!.delete(room)
        } else if (act < 95) {
          client.lose()
          node.clients = node.clients.filter((other) => other.client !== client)
        } else if (act < 97) {
          cluster.network.cut(node.at.hub.node)
          const at = cluster.start(node.at.hub.node)
          nodes = nodes.map((other) => other === node ? { at, clients: [] } : other)
          if (random.chance(0.5)) await watch(at)
        } else if (act < 98) await watch(node.at)
        else {
          const [gone] = watchers.splice(random.whole(0, watchers.length - 1), 1)
          gone?.client.lose()
        }
        await cluster.time.pass(random.pick([0, 20, 60, 500]), 20)
      }
      cluster.network.weather = FINE
      // Graces, leases, and the longest until all rooms were compared.
      for (let i = 0; i < 40; i++) cluster.time.advance(1_000)
      for (const { at } of nodes) await watch(at)
      cluster.time.advance(2_000)
      for (const room of rooms) {
        const here = new Map<string, unknown[]>()
        for (const { clients } of nodes) {
          for (const { client, user } of clients) {
            if (said.get(client)!.has(room)) here.set(user, [...here.get(user) ?? [], said.get(client)!.get(room)])
          }
        }
        const live = watchers.filter(({ at }) => nodes.some((node) => node.at === at))
        const [first, ...others] = live.map(({ client }) => client.view(room))
        assert.deepEqual(Object.keys(first!), [...here.keys()].sort(), `ROTUNDA_SEED=${seed}`)
        for (const [user, state] of Object.entries(first!)) {
          assert.ok(here.get(user)!.includes(state), `ROTUNDA_SEED=${seed}`)
        }
        for (const other of others) assert.deepEqual(other, first, `ROTUNDA_SEED=${seed}`)
      }
      await cluster.end(...nodes.map(({ at }) => at))
    })
  }
})
