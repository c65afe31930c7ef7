import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, createRouter, type HubOptions } from '../../src/mod.ts'
import { inspectorOf } from '../../src/inspector/mod.ts'
import type { View } from '../../src/inspector/view.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { askServer } from '../support/http_client.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { notes, range } from '../support/test_hub.ts'
import { WireClient } from '../support/wire_client.ts'
import { basic, look, PASSWORD } from './ask.ts'

type Options = Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>>

/** A hub in this process, and what asks its inspector. */
function inspected({ payloads, ...options }: Options & { payloads?: boolean } = {}) {
  const hub = createHub({ protocol: notes, ...options })
  const inspector = { password: PASSWORD, ...payloads === undefined ? {} : { payloads } }
  const route = createRouter(hub, { inspector })
  const ask = async (path: string, init?: RequestInit) => {
    return await route(new Request(`http://host.example${path}`, init)) as Response
  }
  return { hub, ask, view: (query: Record<string, string | number>) => look(ask, query) }
}

async function join(peer: MemoryPeer, room: string): Promise<void> {
  peer.say({ type: 'room.join', room, ref: room })
  await peer.answer(room)
}

describe('a followed room', () => {
  test('shows no payloads unless that was chosen', async () => {
    const { hub, ask, view } = inspected()
    await hub.room('r').publish('note', { text: 'between the two of us' }, { from: 'ana' })
    const answer = await ask('/inspector/api/view?room=r', { headers: basic(PASSWORD) })
    assert.doesNotMatch(await answer.text(), /between/)
    const { followed, showsPayloads } = await view({ room: 'r' })
    const { type, from, size, preview, seq } = followed!.messages[0]!
    assert.deepEqual([type, from, size, preview, seq], [
      'note',
      'ana',
      '{"text":"between the two of us"}'.length,
      null,
      1,
    ])
    assert.equal(showsPayloads, false)
    await hub.close()
  })

  test('shows the beginning of payloads where it was: whole characters, and a bounded answer', async () => {
    const { hub, ask } = inspected({ payloads: true })
    // The cut falls into the middle of one of these.
    for (let n = 0; n < 60; n++) await hub.room('r').publish('note', { text: '😀'.repeat(10_000) })
    const text = await (await ask('/inspector/api/view?room=r', { headers: basic(PASSWORD) })).text()
    assert.ok(text.length < 64 * 1024, `${text.length}`)
    const { followed } = JSON.parse(text) as View
    const { preview, size } = followed!.messages.at(-1)!
    assert.ok(preview!.isWellFormed())
    assert.match(preview!, /^\{"text":"(😀){110,}…$/u)
    assert.equal(size, 20_011)
    await hub.close()
  })

  test('whose log cannot be read says so, and everything else is shown', async () => {
    const store = new ControlledStore()
    const { hub, view } = inspected({ store })
    hub.onError(() => {})
    store.failReads = true
    const { followed, samples, sessions } = await view({ room: 'r', list: 'sessions' })
    assert.match(followed!.error!, /cannot be read/)
    assert.deepEqual([followed!.messages.length, samples.length, sessions!.total], [0, 1, 0])
    const unnamed = await view({ room: 'x'.repeat(129) })
    assert.match(unnamed.followed!.error!, /longer than 128/)
    await hub.close()
  })

  test('may have nobody in it, and is not opened by looking', async () => {
    const { hub, view } = inspected()
    await hub.room('empty').publish('note', { text: 'x' })
    const { followed } = await view({ room: 'empty' })
    assert.deepEqual([followed!.members, followed!.head, followed!.messages.length], [0, 1, 1])
    assert.equal(hub.metrics.rooms, 0)
    await hub.close()
  })
})

describe('what is shown', () => {
  test('is computed once, however many look at the same moment', async () => {
    const store = new ControlledStore()
    const { hub } = inspected({ store })
    await hub.room('r').publish('note', { text: 'x' })
    let readings = 0
    const counted = {
      node: hub.node,
      epoch: hub.epoch,
      limits: hub.limits,
      companions: hub.companions,
      reader: hub.reader,
      entrance: hub.entrance,
      logger: hub.logger,
      get metrics() {
        readings += 1
        return hub.metrics
      },
    }
    const answer = inspectorOf(counted, { authorize: () => true })
    assert.equal(readings, 0)
    const before = store.reads
    const url = new URL('http://host.example/inspector/api/view?list=sessions&room=r')
    const views = await Promise.all(
      range(1, 100).map(async () => {
        return await (await answer(new Request(url), url, '/api/view')).json() as View
      }),
    )
    assert.equal(readings, 1)
    // The messages, and how far the log reaches.
    assert.equal(store.reads - before, 2)
    for (const { samples, followed } of views) assert.deepEqual([samples.length, followed!.messages.length], [1, 1])
    await hub.close()
  })

  test('of slow readers: who has too much waiting, or is behind in a room', async () => {
    const { hub, view } = inspected({ limits: { highWaterMark: 1024, hardLimit: 8 * 1024 * 1024 } })
    const host = new MemoryHost({ native: false })
    const [slow, quick] = [connectPeer(hub, host), connectPeer(hub, host)]
    await Promise.all([join(slow, 'r'), join(quick, 'r')])
    slow.stalled = true
    for (const n of range(1, 40)) await hub.room('r').publish('note', { text: `${n}`.padEnd(20_000) })
    const { sessions, samples } = await view({ list: 'sessions', slow: '1' })
    assert.deepEqual(sessions!.rows.map(({ id, behind }) => [id, behind]), [[slow.connection.id, 1]])
    assert.ok(sessions!.rows[0]!.buffered > 1024)
    assert.equal(samples[0]!.slow, 1)
    assert.equal(samples[0]!.buffered, sessions!.rows[0]!.buffered)
    await hub.close()
  })

  test('of a room narrows the sessions to who is in it', async () => {
    const { hub, view } = inspected()
    const host = new MemoryHost({ native: true })
    const [one, other] = [connectPeer(hub, host), connectPeer(hub, host)]
    await Promise.all([join(one, 'a'), join(other, 'b')])
    const { sessions } = await view({ list: 'sessions', in: 'a' })
    assert.deepEqual(sessions!.rows.map(({ id }) => id), [one.connection.id])
    await hub.close()
  })

  test('is not changed by parameters that make no sense', async () => {
    const { hub, view } = inspected()
    connectPeer(hub, new MemoryHost({ native: true }))
    for (const sort of ['constructor', '__proto__', 'toString', '']) {
      for (const page of ['-1', 'x', '1e99', '99999999', 'Infinity']) {
        const { sessions, rooms } = await view({ list: 'sessions', sort, page, since: 'x', after: '-5', order: 'up' })
        assert.deepEqual([sessions!.total, sessions!.page, sessions!.rows.length, rooms], [1, 0, 1, undefined])
      }
    }
    assert.equal((await view({ list: 'everything' })).sessions, undefined)
    assert.equal((await view({ session: 'nobody' })).session, null)
    await hub.close()
  })
})

describe('M5 with 10,000 sessions', { timeout: 60_000 }, () => {
  test('answers are small and quick, pages reach everybody once, and the rest of the server goes on', async () => {
    const inspector = { password: PASSWORD, payloads: true }
    const limits = { maxConnections: 10_100 }
    const server = await spawnServer({ inspector, limits, crowd: { sessions: 10_000, rooms: 2_000, rate: 20 } })
    const ask = askServer(server.url)
    const size = async (query: string) => {
      const text = await (await ask(`/inspector/api/view?${query}`, { headers: basic(PASSWORD) })).text()
      return text.length
    }
    for (
      const query of [
        'list=sessions&sort=out&order=desc&room=lobby',
        'list=rooms&sort=rate',
        'list=sessions&search=10.',
      ]
    ) {
      assert.ok(await size(query) < 64 * 1024, `${query} is answered with ${await size(query)}`)
    }
    // While somebody looks once a second at all there is, others are served: measured from within, and from outside.
    const delay = async () => await (await ask('/delay')).json() as number
    await delay()
    const witness = await WireClient.open(server.port)
    let longest = 0
    for (let i = 0; i < 15; i++) {
      const looking = size(`list=${i % 2 === 0 ? 'sessions' : 'rooms'}&sort=out&search=${i}`)
      const began = performance.now()
      await witness.ping()
      await looking
      longest = Math.max(longest, performance.now() - began)
    }
    await witness.close()
    const late = await delay()
    // Wide bounds: other tests run beside this one.
    assert.ok(late < 1_500, `the event loop was busy for ${Math.round(late)} ms`)
    assert.ok(longest < 5_000, `an answer took ${Math.round(longest)} ms`)
    const ids = new Set<string>()
    let pages = 1
    for (let page = 0; page < pages; page++) {
      const { sessions } = await look(ask, { list: 'sessions', sort: 'connected', page })
      pages = sessions!.pages
      for (const { id } of sessions!.rows) ids.add(id)
    }
    assert.deepEqual([pages, ids.size], [200, 10_000])
    const { sessions } = await look(ask, { list: 'sessions', search: '10.0.39.15:', in: 'lobby' })
    assert.deepEqual(sessions!.rows.map(({ address }) => address), ['10.0.39.15'])
    const { rooms } = await look(ask, { list: 'rooms', sort: 'members', order: 'desc' })
    assert.deepEqual([rooms!.total, rooms!.rows[0]!.name, rooms!.rows[0]!.members], [2_000, 'lobby', 10_000])
    await server.stop()
  })
})
