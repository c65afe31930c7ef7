import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PresenceChange } from '../../src/mod.ts'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { MemoryPeer } from '../support/memory_peer.ts'
import { readView, Scene } from './support.ts'

for (const native of [true, false]) {
  describe(`R4 presence (native topics: ${native})`, () => {
    test('who watches gets everybody once, and then only what changes', async () => {
      const at = new Scene({}, { native })
      const [ana, ben, cy] = [await at.client('ana'), await at.client('ben'), await at.client('cy', ['r'], false)]
      assert.deepEqual((await ana.set({ mood: 'fine' })).payload, { member: 'ana' })
      await ben.ask('presence.watch')
      at.time.advance(0)
      assert.deepEqual(ben.news(), ['state ana'])
      assert.deepEqual(ben.view(), { ana: { mood: 'fine' } })
      await cy.set()
      await ben.set({ mood: 'odd' })
      at.time.advance(50)
      assert.deepEqual(ben.news(), ['join ben cy'])
      await cy.ask('presence.watch')
      assert.deepEqual(cy.news(), ['state ana ben cy'])
      await ana.set({ mood: 'tired' })
      await ben.ask('presence.clear')
      at.time.advance(50)
      for (const watcher of [ben, cy]) {
        assert.deepEqual(watcher.news(), ['leave ben', 'update ana'])
        assert.deepEqual(watcher.view(), { ana: { mood: 'tired' }, cy: null })
      }
      assert.deepEqual(ana.news(), [], 'who does not watch is told nothing')
      await ben.ask('presence.unwatch')
      await ben.set()
      at.time.advance(50)
      assert.deepEqual([ben.news(), cy.news()], [[], ['join ben']])
      await at.hub.close()
    })

    test('rooms are apart: one is watched, another is not', async () => {
      const at = new Scene({}, { native })
      const [ana, ben] = [await at.client('ana', ['r', 's']), await at.client('ben', ['r', 's'])]
      await ben.ask('presence.watch')
      await ana.set('in s', 's')
      at.time.advance(50)
      assert.deepEqual(ben.view('r'), {})
      await ben.ask('presence.watch', {}, 's')
      assert.deepEqual(ben.view('s'), { ana: 'in s' })
      await at.hub.close()
    })
  })
}

test('R4 P6 members with binary frames see and are seen like all others', async () => {
  const at = new Scene({ codecs: [flatbuffers] })
  const [ana, binary] = [await at.client('ana'), new MemoryPeer(at.host)]
  binary.connection = at.hub.connect(binary, { subprotocol: flatbuffers.subprotocol, metadata: { user: 'ben' } })
  const say = (type: string, payload: string) => {
    binary.connection.receive(flatbuffers.encode([{ type, room: 'r', ref: type, payload }]))
  }
  for (const type of ['room.join', 'presence.watch']) say(type, '{}')
  await ana.ask('presence.watch')
  await ana.set({ mood: 'fine' })
  say('presence.set', '{"state":{"mood":"odd"}}')
  at.time.advance(100)
  const expected = { ana: { mood: 'fine' }, ben: { mood: 'odd' } }
  assert.deepEqual(ana.view(), expected)
  const received = binary.frames.flatMap((frame) => flatbuffers.decode(frame).map(({ envelope }) => envelope!))
  assert.deepEqual(Object.fromEntries(readView(received, 'r')), expected)
  await at.hub.close()
})

/** Three members, one of whom watches and has read the news so far. */
async function setUp(options: ConstructorParameters<typeof Scene>[0] = {}) {
  const at = new Scene(options)
  const watcher = await at.client('watcher')
  await watcher.ask('presence.watch')
  watcher.news()
  return { at, watcher, time: at.time, hub: at.hub }
}

describe('R4 changes', () => {
  test('are told within 50 ms, and together when more come: only what is left of them', async () => {
    const { at, watcher, time } = await setUp()
    const [ana, ben] = [await at.client('ana'), await at.client('ben')]
    await ana.set(1)
    time.advance(0)
    assert.deepEqual(watcher.news(), ['join ana'], 'the first is not held back')
    await ana.set(2)
    await ben.set(1)
    await ana.set(3)
    await ben.ask('presence.clear')
    time.advance(49)
    assert.deepEqual(watcher.news(), [])
    time.advance(1)
    assert.deepEqual(watcher.news(), ['update ana'], 'who came and went was never there')
    assert.deepEqual(watcher.view(), { ana: 3 })
    await ana.set(4)
    await ana.set(3)
    time.advance(100)
    assert.deepEqual(watcher.news(), [], 'what is as before is no change')
    await at.hub.close()
  })

  test('a flood of states costs a frame each 50 ms, and the last one counts', async () => {
    const { at, watcher, time } = await setUp()
    const ana = await at.client('ana')
    ana.peer.say(Array.from({ length: 500 }, (_, i) => ({ type: 'presence.set', room: 'r', payload: { state: i } })))
    assert.equal(at.hub.metrics.presence.pending, 1)
    time.advance(50)
    assert.deepEqual([watcher.news(), watcher.view()], [['join ana'], { ana: 499 }])
    await at.hub.close()
  })

  test('who watches right after setting sees itself in what it gets first', async () => {
    const at = new Scene()
    const ana = await at.client('ana')
    await ana.set(1)
    await ana.ask('presence.watch')
    assert.deepEqual(ana.news(), [])
    at.time.advance(0)
    assert.deepEqual(ana.news(), ['state ana'])
    await at.hub.close()
  })

  test('watching again gives everybody again; leaving the room ends it', async () => {
    const { at, watcher, time } = await setUp()
    const ana = await at.client('ana')
    await ana.set(1)
    time.advance(50)
    await watcher.ask('presence.watch')
    assert.deepEqual(watcher.news(), ['join ana', 'state ana'])
    await ana.set(2)
    time.advance(50)
    assert.deepEqual([watcher.news(), watcher.view()], [['update ana'], { ana: 2 }], 'once, not twice')
    await watcher.ask('room.leave')
    await ana.set(3)
    time.advance(50)
    assert.deepEqual(watcher.news(), [])
    assert.equal(at.hub.metrics.presence.watchers, 0)
    await at.hub.close()
  })
})

describe('R4 one user with several tabs', () => {
  test('is one member with the state that was said last, until the last tab is gone', async () => {
    const { at, watcher, time } = await setUp()
    const [one, two, three] = [await at.client('ana'), await at.client('ana'), await at.client('ana')]
    await one.set('one')
    await two.set('two')
    await three.set()
    time.advance(50)
    assert.deepEqual([watcher.news(), watcher.view()], [['join ana'], { ana: 'two' }])
    await one.set('one again')
    time.advance(50)
    assert.deepEqual(watcher.view(), { ana: 'one again' })
    one.lose()
    time.advance(50)
    assert.deepEqual([watcher.news(), watcher.view()], [['update ana', 'update ana'], { ana: 'two' }])
    await two.ask('room.leave')
    time.advance(50)
    assert.deepEqual(watcher.view(), { ana: null }, 'the one that is left has said nothing')
    await three.ask('presence.clear')
    time.advance(50)
    assert.deepEqual(watcher.view(), {})
    await at.hub.close()
  })

  test('without the option every session is a member of its own', async () => {
    const { at, watcher, time } = await setUp()
    const [one, two] = [await at.client(undefined), await at.client(undefined)]
    const members = [await one.set(), await two.set()].map(({ payload }) => (payload as { member: string }).member)
    time.advance(50)
    assert.deepEqual(members, [one, two].map(({ peer }) => peer.connection.id))
    assert.deepEqual(Object.keys(watcher.view()), members.sort())
    await at.hub.close()
  })
})

describe('R4 grace', () => {
  test('a member that is back within it was never away, and has its state still', async () => {
    const { at, watcher, time } = await setUp()
    const before = await at.client('ana')
    await before.set({ mood: 'fine' })
    time.advance(50)
    watcher.news()
    before.lose()
    time.advance(4_999)
    const after = await at.client('ana')
    await after.set()
    time.advance(60_000)
    await after.set({ mood: 'fine' })
    time.advance(50)
    assert.deepEqual([watcher.news(), watcher.view()], [[], { ana: { mood: 'fine' } }])
    assert.equal(at.hub.metrics.presence.away, 0)
    await at.hub.close()
  })

  test('is over after five seconds, or what the option says', async () => {
    for (const [options, milliseconds] of [[{}, 5_000], [{ presence: { grace: 0.2 } }, 200]] as const) {
      const { at, watcher, time } = await setUp(options)
      const ana = await at.client('ana')
      await ana.set()
      time.advance(50)
      ana.lose()
      time.advance(milliseconds - 1)
      assert.deepEqual(watcher.news(), ['join ana'])
      time.advance(1)
      assert.deepEqual(watcher.news(), ['leave ana'])
      await at.hub.close()
    }
  })

  test('is not given to who leaves, nor where it is 0', async () => {
    for (const leave of ['presence.clear', 'room.leave', 'lose']) {
      const { at, watcher, time } = await setUp({ presence: { grace: leave === 'lose' ? 0 : 5 } })
      const ana = await at.client('ana')
      await ana.set()
      time.advance(50)
      if (leave === 'lose') ana.lose()
      else await ana.ask(leave)
      time.advance(0)
      assert.deepEqual(watcher.news(), ['join ana', 'leave ana'], leave)
      await at.hub.close()
    }
  })
})

describe('R4 on the server', () => {
  test('a room tells who is present, and the hub what changes', async () => {
    const { at, hub, time } = await setUp()
    const changes: PresenceChange[] = []
    const stop = hub.onPresence((change) => void changes.push(change))
    const errors: unknown[] = []
    hub.onError((error) => void errors.push(error))
    hub.onPresence(() => {
      throw new TypeError('a handler of presence fails')
    })
    const ana = await at.client('ana')
    await ana.set({ mood: 'fine' })
    const [member] = await hub.room('r').presence()
    assert.deepEqual([member?.member, member?.state], ['ana', { mood: 'fine' }])
    assert.ok(Math.abs(member!.since - Date.now()) < 10_000)
    time.advance(50)
    await ana.set(2)
    time.advance(50)
    await ana.ask('presence.clear')
    time.advance(50)
    assert.deepEqual(changes.map(({ type, room, member, state }) => [type, room, member, state]), [
      ['join', 'r', 'ana', { mood: 'fine' }],
      ['update', 'r', 'ana', 2],
      ['leave', 'r', 'ana', 2],
    ])
    assert.deepEqual(new Set(changes.map(({ since }) => since)).size, 1)
    stop()
    await ana.set(3)
    time.advance(50)
    assert.equal(changes.length, 3)
    assert.equal(errors.length, 4)
    assert.deepEqual(await hub.room('nobody').presence(), [])
    await hub.close()
  })

  test('a handler of presence may change it at once: that is told, too', async () => {
    const { at, watcher, time, hub } = await setUp()
    const ana = await at.client('ana')
    const changes: string[] = []
    hub.onPresence(({ type, member }) => {
      changes.push(`${type} ${member}`)
      if (type === 'join') hub.session(ana.peer.connection.id)!.leave('r')
    })
    await ana.set()
    time.advance(200)
    assert.deepEqual([changes, watcher.news()], [['join ana', 'leave ana'], ['join ana', 'leave ana']])
    assert.deepEqual(watcher.view(), {})
    await hub.close()
  })

  test('rooms without members and watchers are forgotten', async () => {
    const { at, watcher, time, hub } = await setUp()
    const ana = await at.client('ana')
    await ana.set()
    const { presence } = hub.metrics
    assert.deepEqual(presence, { rooms: 1, members: 1, away: 0, watchers: 1, pending: 1 })
    watcher.lose()
    ana.lose()
    time.advance(5_100)
    assert.deepEqual(hub.metrics.presence, { rooms: 0, members: 0, away: 0, watchers: 0, pending: 0 })
    await hub.close()
  })

  test('a hub closes while members are away and changes wait', async () => {
    const { at, hub, time } = await setUp()
    const [ana, ben] = [await at.client('ana'), await at.client('ben')]
    await ana.set()
    await ben.set()
    ben.lose()
    const timers = time.pending
    await hub.close()
    assert.ok(time.pending < timers)
    time.advance(60_000)
    await time.stop()
  })
})
