import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Connection } from '../../src/client/connection/connection.ts'
import type { CloseInfo, HeartbeatOptions } from '../../src/client/mod.ts'
import { readOptions } from '../../src/client/options.ts'
import { longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { Random } from '../conformance/random.ts'
import { FakeClock } from '../support/fake_clock.ts'
import { type FakeSocket, fakeWebSocket } from '../support/fake_socket.ts'
import { range, reached } from '../support/with_client.ts'
import { withProxy } from '../support/with_proxy.ts'

const WAKING = ['online', 'visibilitychange', 'pageshow']
const happens = (type: string) => globalThis.dispatchEvent(new Event(type))

/** Makes this process a page that is seen, or is not. */
function seen(isSeen: boolean): void {
  Object.defineProperty(globalThis, 'document', { value: { hidden: !isSeen }, configurable: true })
}

interface Fixture {
  readonly clock: FakeClock
  readonly connection: Connection
  readonly sockets: FakeSocket[]
  readonly closes: CloseInfo[]
}

const all: Connection[] = []

/** A connection that has begun to connect; its pauses are up to an hour. */
function connecting(clock = new FakeClock(), heartbeat: Partial<HeartbeatOptions> = {}, base = 3_600_000): Fixture {
  const { WebSocket, sockets } = fakeWebSocket()
  const closes: CloseInfo[] = []
  const events = { open() {}, frame() {}, envelope() {}, down: (close: CloseInfo) => void closes.push(close) }
  const backoff = { base, max: 3_600_000 }
  const options = readOptions({ url: 'ws://localhost/', protocol: chat, WebSocket, heartbeat, backoff })
  const connection = new Connection(options, clock, events)
  connection.connect()
  all.push(connection)
  return { clock, connection, sockets, closes }
}

function connected(heartbeat: Partial<HeartbeatOptions> = {}): Fixture {
  const fixture = connecting(new FakeClock(), heartbeat)
  fixture.sockets[0]!.welcome()
  return fixture
}

/** Some time after its connection was lost, in the midst of a long pause. */
function waiting(): Fixture {
  const fixture = connected()
  fixture.clock.advance(5_000)
  fixture.sockets[0]!.onclose!({ code: 1006, reason: '' })
  return fixture
}

async function pings({ sockets }: Fixture): Promise<number> {
  await Promise.resolve()
  return sockets.at(-1)!.envelopes.filter(({ type }) => type === 'session.ping').length
}

describe('C3 a page that is woken', () => {
  beforeEach(() => seen(true))
  afterEach(() => {
    for (const connection of all.splice(0)) connection.close(1000, '')
    Reflect.deleteProperty(globalThis, 'document')
  })

  for (const type of WAKING) {
    test(`asks at once whether its connection lives: ${type}`, async () => {
      const fixture = connected()
      fixture.clock.advance(5_000)
      happens(type)
      assert.equal(await pings(fixture), 1)
      fixture.clock.advance(9_999)
      assert.deepEqual(fixture.closes, [])
      fixture.clock.advance(1)
      const [close] = fixture.closes
      assert.deepEqual(close, { code: 1006, reason: 'The server has fallen silent.', willReconnect: true })
    })
  }

  test('keeps a connection that answers, and goes on as before', async () => {
    const fixture = connected()
    fixture.clock.sleep(3_600_000)
    happens('visibilitychange')
    fixture.clock.advance(100)
    fixture.sockets[0]!.receive({ type: 'session.pong', payload: {} })
    const before = await pings(fixture)
    fixture.clock.advance(29_999)
    assert.equal(await pings(fixture), before)
    fixture.clock.advance(1)
    assert.equal(await pings(fixture), before + 1)
    assert.deepEqual(fixture.closes, [])
  })

  test('asks again where it had asked before it slept, and its timers have not noticed', async () => {
    const fixture = connected()
    fixture.clock.advance(30_000)
    assert.equal(await pings(fixture), 1)
    happens('visibilitychange')
    assert.equal(await pings(fixture), 2)
    fixture.clock.advance(9_999)
    assert.deepEqual(fixture.closes, [])
  })

  test('finds out that a connection is dead, however often it is woken meanwhile', async () => {
    const fixture = connected()
    for (const _ of range(1, 100)) {
      happens('visibilitychange')
      fixture.clock.advance(200)
    }
    assert.equal(fixture.closes.length, 1)
    assert.ok(await pings(fixture) <= 3)
  })

  test('a connection is dead that leaves three questions unanswered, though each timer is held back', () => {
    const fixture = connected()
    fixture.clock.advance(30_000)
    for (const minute of [1, 2, 3]) {
      assert.deepEqual(fixture.closes, [], `minute ${minute}`)
      fixture.clock.sleep(60_000)
    }
    assert.equal(fixture.closes.length, 1)
  })

  test('asks nothing when it is hidden, unless the network is back', async () => {
    const fixture = connected()
    seen(false)
    happens('visibilitychange')
    assert.equal(await pings(fixture), 0)
    happens('online')
    assert.equal(await pings(fixture), 1)
  })

  test('asks nothing where there is to be no heartbeat', async () => {
    const fixture = connected({ interval: 0 })
    happens('visibilitychange')
    assert.equal(await pings(fixture), 0)
    assert.equal(fixture.clock.pending, 0)
  })

  for (const type of WAKING) {
    test(`tries to connect within a second, not in this instant: ${type}`, () => {
      const { clock, sockets } = waiting()
      happens(type)
      clock.advance(499)
      assert.equal(sockets.length, 1)
      clock.advance(1)
      assert.equal(sockets.length, 2)
    })
  }

  test('makes one attempt at a time', () => {
    const { clock, sockets } = waiting()
    for (const _ of range(1, 50)) WAKING.forEach(happens)
    clock.advance(1_000)
    assert.equal(sockets.length, 2)
    for (const _ of range(1, 9)) {
      WAKING.forEach(happens)
      clock.advance(1_000)
    }
    assert.equal(sockets.length, 2)
    sockets[1]!.welcome()
    clock.advance(5_000)
    assert.equal(sockets.length, 2)
  })

  test('a network that comes and goes makes no storm, and does not reset the pauses', () => {
    const { clock, sockets } = connecting(new FakeClock(), {}, 1_000)
    for (const _ of range(1, 1_200)) {
      happens('online')
      clock.advance(100)
      sockets.at(-1)!.onclose!({ code: 1006, reason: '' })
    }
    const tries = sockets.length
    assert.ok(tries >= 40 && tries <= 65, `${tries} tries in two minutes`)
    clock.advance(2_500)
    clock.advance(1_700_000)
    assert.ok(sockets.length <= tries + 1, 'the next pause is half of an hour')
  })

  test('an attempt that is due sooner is made then', () => {
    const { clock, sockets } = connecting(new FakeClock(), {}, 200)
    clock.advance(5_000)
    sockets[0]!.onclose!({ code: 1006, reason: '' })
    happens('online')
    clock.advance(100)
    assert.equal(sockets.length, 2)
  })

  test('a thousand clients that one network wakes are spread over a second', () => {
    const random = new Random(23)
    const clock = Object.assign(new FakeClock(), { random: () => random.unit() })
    const clients = range(1, 1_000).map(() => connecting(clock))
    for (const { sockets } of clients) sockets[0]!.welcome()
    clock.advance(5_000)
    for (const { sockets } of clients) sockets[0]!.onclose!({ code: 1006, reason: '' })
    const count = () => clients.filter(({ sockets }) => sockets.length > 1).length
    happens('online')
    const steps = range(1, 10).map(() => {
      const before = count()
      clock.advance(100)
      return count() - before
    })
    assert.ok(steps.every((step) => step > 50 && step < 160), steps.join())
    assert.equal(count(), 1_000)
  })

  test('a closed client does not hear of it any more', () => {
    const { clock, connection, sockets } = waiting()
    connection.close(1000, '')
    WAKING.forEach(happens)
    clock.advance(10_000)
    assert.deepEqual([sockets.length, clock.pending], [1, 0])
  })

  test('over each transport it finds out that the connection is dead, and comes back as soon as it can', () =>
    withProxy({}, async ({ proxy, through }) => {
      const waits = { backoff: { base: 3_600_000, max: 3_600_000 }, connectTimeout: 300 }
      const options = { heartbeat: { interval: 3_600_000, timeout: 300 }, ...waits }
      const ways = [webSocket(), sse(), longPolling()].map((way) => ({ name: way.name, ...through(options, [way]) }))
      await Promise.all(ways.map(({ uses, name }) => uses(name)))
      proxy.behave({ frozen: true })
      happens('visibilitychange')
      await Promise.all(ways.map(({ client }) => reached(client, 'reconnecting')))
      proxy.behave({})
      happens('online')
      await Promise.all(ways.map(({ client }) => reached(client, 'open')))
    }))
})
