import assert from 'node:assert/strict'
import test from 'node:test'
import { Backoff } from '../../src/client/connection/backoff.ts'
import { Connection } from '../../src/client/connection/connection.ts'
import { Heartbeat } from '../../src/client/connection/heartbeat.ts'
import { readOptions } from '../../src/client/options.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { FakeClock } from '../support/fake_clock.ts'
import { fakeWebSocket } from '../support/fake_socket.ts'
import { Random } from '../conformance/random.ts'
import { range } from '../support/with_client.ts'

test('C2 each wait is random below a ceiling that doubles up to the maximum', () => {
  const random = new Random(7)
  const backoff = new Backoff(() => random.unit(), { base: 3_000, max: 60_000 })
  const ceilings = [3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000]
  const rounds = range(1, 400).map(() => {
    backoff.reset()
    return ceilings.map(() => backoff.next())
  })
  ceilings.forEach((ceiling, i) => {
    const waits = rounds.map((round) => round[i]!)
    assert.ok(waits.every((wait) => wait >= 0 && wait < ceiling))
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length
    assert.ok(Math.abs(mean / ceiling - 0.5) < 0.06, `mean ${mean} of ${ceiling}`)
    assert.ok(Math.min(...waits) < ceiling * 0.05, 'full jitter: as good as no wait is possible')
  })
})

test('C2 a thousand attempts do not overflow', () => {
  const backoff = new Backoff(() => 1, { base: 3_000, max: 60_000 })
  assert.equal(range(1, 2_000).map(() => backoff.next()).at(-1), 60_000)
})

function heart(options = { interval: 30_000, timeout: 10_000 }) {
  const clock = new FakeClock()
  const told: string[] = []
  const heartbeat = new Heartbeat(options, clock, () => told.push('ping'), () => told.push('dead'))
  heartbeat.received()
  heartbeat.start()
  return { clock, told, heartbeat }
}

test('C3 a ping is sent after the interval without traffic, and silence after it is death', () => {
  const { clock, told } = heart()
  clock.advance(29_999)
  assert.deepEqual(told, [])
  clock.advance(1)
  assert.deepEqual(told, ['ping'])
  clock.advance(9_999)
  assert.deepEqual(told, ['ping'])
  clock.advance(1)
  assert.deepEqual(told, ['ping', 'dead'])
  assert.equal(clock.pending, 0)
})

test('C3 traffic makes pings needless, and any frame is a sign of life', () => {
  const { clock, told, heartbeat } = heart()
  for (let i = 0; i < 10; i++) {
    clock.advance(20_000)
    heartbeat.received()
  }
  assert.deepEqual(told, [])
  clock.advance(30_000)
  heartbeat.received()
  clock.advance(29_999)
  assert.deepEqual(told, ['ping'])
  clock.advance(1)
  assert.deepEqual(told, ['ping', 'ping'])
})

test('C3 a timer that was held back pings again instead of declaring the connection dead', () => {
  const { clock, told, heartbeat } = heart()
  clock.advance(30_000)
  clock.sleep(3_600_000)
  assert.deepEqual(told, ['ping', 'ping'])
  heartbeat.received()
  clock.advance(10_000)
  assert.deepEqual(told, ['ping', 'ping'])
  clock.advance(20_000)
  assert.deepEqual(told, ['ping', 'ping', 'ping'])
  clock.advance(10_000)
  assert.deepEqual(told, ['ping', 'ping', 'ping', 'dead'])
})

test('C3 interval 0 is off, and a stopped heartbeat has no timer', () => {
  assert.equal(heart({ interval: 0, timeout: 10_000 }).clock.pending, 0)
  const { clock, heartbeat } = heart()
  heartbeat.stop()
  assert.equal(clock.pending, 0)
})

test('P4 frames are packed in order, each within the limits', async () => {
  const random = new Random(11)
  for (let round = 0; round < 200; round++) {
    const payloads = range(1, random.whole(1, 60)).map(() => random.text(20))
    const [maxBatch, maxMessageSize] = [random.whole(1, 12), random.whole(200, 400)]
    const { WebSocket, sockets } = fakeWebSocket()
    const events = { open() {}, frame() {}, envelope() {}, down() {} }
    const options = readOptions({ url: 'ws://localhost/', protocol: chat, WebSocket })
    const connection = new Connection(options, new FakeClock(), events)
    connection.connect()
    const socket = sockets[0]!
    socket.welcome({ maxBatch, maxMessageSize })
    for (const payload of payloads) connection.send({ type: 't', payload: JSON.stringify(payload) })
    await Promise.resolve()
    assert.deepEqual(socket.envelopes.map(({ payload }) => payload), payloads)
    for (const frame of socket.sent as string[]) {
      assert.ok(new TextEncoder().encode(frame).length <= maxMessageSize)
      assert.ok([JSON.parse(frame)].flat().length <= maxBatch)
    }
  }
})
