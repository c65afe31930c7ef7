import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import process from 'node:process'
import { Pages } from '../../src/hub/presence/pages.ts'
import { type Codec, jsonCodec } from '../../src/protocol/mod.ts'
import { Random } from '../support/random.ts'
import { range } from '../support/test_hub.ts'
import { connectPeer } from '../support/memory_peer.ts'
import { readView, Scene, TestClient, type WireMember } from './support.ts'

const KIBIBYTE = 1024
const seed = Number(process.env['ROTUNDA_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** Members with states of this size, all of one session each. */
async function crowd(at: Scene, count: number, state: string): Promise<TestClient[]> {
  const clients: TestClient[] = []
  for (const i of range(1, count)) {
    const client = await at.client(`user ${i}`)
    client.peer.say({ type: 'presence.set', room: 'r', payload: { state } })
    clients.push(client)
  }
  at.time.advance(50)
  return clients
}

const sizeOf = (frame: string | Uint8Array) => new TextEncoder().encode(frame as string).length

describe('I5 what a watcher gets first', () => {
  for (const native of [true, false]) {
    test(`comes in frames of at most 256 KiB, and is everybody (native topics: ${native})`, async () => {
      const at = new Scene({}, { native })
      await crowd(at, 1_500, '€'.repeat(1_300))
      const [batches, single] = [await at.client('watcher'), await at.client('other', ['r'], false)]
      for (const client of [batches, single]) {
        await client.ask('presence.watch')
        assert.equal(Object.keys(client.view()).length, 1_500)
        const pages = client.peer.frames.filter((frame) => (frame as string).includes('presence.state'))
        assert.ok(pages.length > 20, `${pages.length} pages`)
        for (const page of pages) assert.ok(sizeOf(page) <= 256 * KIBIBYTE, `${sizeOf(page)} bytes`)
      }
      await at.hub.close()
    })
  }

  test('thousands who join at once are told in frames of at most 256 KiB', async () => {
    const at = new Scene()
    const watcher = await at.client('watcher')
    await watcher.ask('presence.watch')
    await crowd(at, 1_500, '€'.repeat(1_300))
    assert.equal(Object.keys(watcher.view()).length, 1_500)
    for (const frame of watcher.peer.frames) assert.ok(sizeOf(frame) <= 256 * KIBIBYTE, `${sizeOf(frame)} bytes`)
    await at.hub.close()
  })

  test('is encoded once for all who watch, and of what is encoded a change spoils one page', async () => {
    let encoded = 0
    const counting: Codec = {
      ...jsonCodec,
      name: 'counting',
      subprotocol: 'counting',
      encode(batch) {
        if (batch[0]!.type === 'presence.state') encoded += 1
        return jsonCodec.encode(batch)
      },
    }
    const at = new Scene({ codecs: [counting] })
    const [one] = await crowd(at, 300, 'x'.repeat(3_000))
    const watch = async () => {
      const peer = connectPeer(at.hub, at.host)
      peer.connection.closed(1000, '')
      peer.connection = at.hub.connect(peer, { subprotocol: 'counting', metadata: {} })
      const client = new TestClient(peer)
      await client.ask('room.join')
      await client.ask('presence.watch')
      at.time.advance(50)
      return Object.keys(client.view()).length
    }
    assert.equal(await watch(), 300)
    const pages = encoded
    assert.ok(pages > 10)
    for (let i = 0; i < 20; i++) assert.equal(await watch(), 300)
    assert.equal(encoded, pages)
    await one!.set('changed')
    at.time.advance(50)
    for (let i = 0; i < 20; i++) assert.equal(await watch(), 300)
    // The changed one, and the last, which has the version in it.
    assert.ok(encoded <= pages + 2, `${encoded - pages} pages were encoded again`)
    await at.hub.close()
  })
})

describe('X6 a watcher that reads slowly', () => {
  const limits = { highWaterMark: 128 * KIBIBYTE, hardLimit: 2_048 * KIBIBYTE }

  test('is given no more than it takes; what changes meanwhile is given again, and in the end all is right', async () => {
    const at = new Scene({ limits })
    const clients = await crowd(at, 500, 'x'.repeat(3_000))
    const watcher = await at.client('watcher')
    await watcher.ask('presence.watch')
    assert.equal(watcher.news().length > 10, true)
    // Whatever it takes, its buffer is full again as soon as more is sent.
    const { connection } = watcher.peer
    const drained = connection.drained.bind(connection)
    connection.drained = () => {
      watcher.peer.stalled = true
      drained()
    }
    watcher.peer.stalled = true
    watcher.peer.say({ type: 'presence.watch', room: 'r', payload: {} })
    const random = new Random(seed)
    let largest = 0
    const change = () => {
      const client = random.pick(clients)
      if (random.chance(0.3)) client.peer.say({ type: 'presence.clear', room: 'r', payload: {} })
      else client.peer.say({ type: 'presence.set', room: 'r', payload: { state: 'y'.repeat(random.whole(0, 4_000)) } })
    }
    // More pages than these are spoilt again and again: they come again until nothing changes any more.
    for (let round = 0; round < 300 && watcher.peer.bufferedAmount > 0; round++) {
      largest = Math.max(largest, watcher.peer.bufferedAmount)
      if (round < 60) change()
      at.time.advance(50)
      watcher.peer.drain()
    }
    const from = watcher.peer.received.findLastIndex(({ type, kind }) => type === 'presence.watch' && kind === 'reply')
    const pages = watcher.peer.received.slice(from).filter(({ type }) => type === 'presence.state')
      .map(({ payload }) => (payload as { page: number }).page)
    assert.ok(new Set(pages).size < pages.length, `no page came again: ${pages}`)
    assert.ok(largest <= 256 * KIBIBYTE, `${largest} bytes waited`)
    const here = (await at.hub.room('r').presence()).map(({ member, state }) => [member, state] as const)
    assert.deepEqual(
      watcher.view(),
      Object.fromEntries(here.sort(([a], [b]) => a < b ? -1 : 1)),
      `ROTUNDA_SEED=${seed}`,
    )
    await at.hub.close()
  })

  for (const native of [true, false]) {
    test(`is told of no changes while it drains, then gets everybody anew (native topics: ${native})`, async () => {
      const at = new Scene({ limits }, { native })
      const [slow, quick] = [await at.client('slow'), await at.client('quick')]
      for (const client of [slow, quick]) await client.ask('presence.watch')
      slow.peer.stalled = true
      const clients = await crowd(at, 100, '')
      let largest = 0
      for (const i of range(1, 200)) {
        for (const client of clients.slice(0, 20)) {
          client.peer.say({ type: 'presence.set', room: 'r', payload: { state: `${i}`.padEnd(1_000) } })
        }
        at.time.advance(50)
        largest = Math.max(largest, slow.peer.bufferedAmount)
      }
      assert.ok(largest < 512 * KIBIBYTE, `${largest} bytes waited`)
      slow.peer.drain()
      at.time.advance(50)
      assert.deepEqual(slow.view(), quick.view())
      assert.equal(slow.view()['user 1'], '200'.padEnd(1_000))
      await clients[0]!.set('live again')
      at.time.advance(50)
      assert.equal(slow.news().at(-1), 'update user 1')
      assert.deepEqual(slow.view(), quick.view())
      await at.hub.close()
    })
  }

  test('and has its room left gets nothing more', async () => {
    const at = new Scene({ limits })
    await crowd(at, 500, 'x'.repeat(3_000))
    const watcher = await at.client('watcher')
    watcher.peer.stalled = true
    watcher.peer.say({ type: 'presence.watch', room: 'r', payload: {} })
    watcher.peer.say({ type: 'presence.unwatch', room: 'r', payload: {} })
    watcher.peer.drain()
    const pages = watcher.news().length
    watcher.peer.drain()
    assert.equal(watcher.news().length, 0)
    assert.ok(pages > 0 && pages < 5, `${pages} pages`)
    assert.throws(() => readView(watcher.peer.received.concat({ type: 'presence.join', room: 'r', payload: {} }), 'r'))
    await at.hub.close()
  })
})

test('frames and bytes of presence count as sent, while it is watched and afterwards', async () => {
  const at = new Scene()
  const [ana, watcher] = [await at.client('ana'), await at.client('watcher')]
  const session = at.hub.session(watcher.peer.connection.id)!
  await watcher.ask('presence.watch')
  for (const end of ['no', 'presence.unwatch']) {
    await ana.set(end)
    at.time.advance(50)
    if (end !== 'no') await watcher.ask(end)
    const { framesOut, bytesOut } = session.metrics
    assert.equal(framesOut, watcher.peer.frames.length)
    assert.equal(bytesOut, watcher.peer.frames.reduce((sum, frame) => sum + frame.length, 0))
  }
  await at.hub.close()
})

test('pages hold everybody once, stay small, and are filled again when they empty', () => {
  const random = new Random(seed)
  const pages = new Pages('r')
  const truth = new Map<string, string>()
  const variant = { codec: jsonCodec, batches: true }
  let most = 0
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 400; i++) {
      const member = `user ${random.whole(1, 600)}`
      if (random.chance(round % 10 < 5 ? 0.2 : 0.8)) {
        truth.delete(member)
        pages.delete(member)
      } else {
        const state = JSON.stringify('z'.repeat(random.chance(0.02) ? random.whole(0, 100_000) : random.whole(0, 500)))
        truth.set(member, state)
        pages.set(member, { state, since: 1, at: 1 })
      }
    }
    const seen = new Map<string, string>()
    for (let page = 0; page < pages.count; page++) {
      const frame = pages.frame(page, variant, page + 1 === pages.count, round) as string
      const { members } = (JSON.parse(frame) as { payload: { members: WireMember[] } }).payload
      for (const { member, state } of members) {
        assert.ok(!seen.has(member), `${member} twice`)
        seen.set(member, JSON.stringify(state))
      }
      assert.ok(members.length <= 1 || frame.length <= 82 * KIBIBYTE, `${frame.length} characters`)
    }
    assert.deepEqual(new Map([...seen].sort()), new Map([...truth].sort()), `ROTUNDA_SEED=${seed}`)
    const characters = [...truth.values()].reduce((sum, { length }) => sum + length + 50, 0)
    most = Math.max(most, characters)
    assert.ok(pages.count <= 5 + most / (20 * KIBIBYTE), `${pages.count} pages for ${most} characters`)
  }
})
