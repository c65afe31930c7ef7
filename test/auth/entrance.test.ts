import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressKey, checkTrustProxy, clientAddress, requestedHost } from '../../src/hub/auth/address.ts'
import { Buckets } from '../../src/hub/auth/bucket.ts'
import { Entrance, type EntranceOptions } from '../../src/hub/auth/entrance.ts'
import { createHub, type Limits, memoryStore, type RotundaError } from '../../src/mod.ts'
import { checkLimits } from '../../src/hub/limits.ts'
import { FakeExecutor } from '../support/fake_executor.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes, notesHub } from '../support/test_hub.ts'

const asking = (headers: Record<string, string> = {}) => new Request('http://localhost/ws', { headers })

function setUp(limits: Partial<Limits>, options: EntranceOptions = {}) {
  const executor = new FakeExecutor()
  const clock = { now: 0 }
  const entrance = new Entrance(options, checkLimits(limits), executor, () => clock.now)
  const knock = (address: string, headers?: Record<string, string>) => {
    try {
      entrance.pass(asking(headers), { addressOf: () => address, opens: true })
      return 'in'
    } catch (error) {
      return (error as RotundaError).code
    }
  }
  return { entrance, executor, clock, knock }
}

describe('an address', () => {
  test('X2 has so many connections at once, counted from when they begin until they end', () => {
    const { entrance, knock } = setUp({ maxConnectionsPerAddress: 2 })
    for (let i = 0; i < 2; i++) entrance.entered('10.0.0.1')
    assert.deepEqual([knock('10.0.0.1'), knock('10.0.0.2')], ['connection_limit', 'in'])
    entrance.left('10.0.0.1')
    assert.equal(knock('10.0.0.1'), 'in')
    entrance.left('10.0.0.1')
    entrance.left('10.0.0.1')
    assert.equal(entrance.addresses, 0)
  })

  test('X2 begins so many handshakes in ten seconds, and gets them back evenly', () => {
    const { clock, knock } = setUp({ maxHandshakesPerAddress: 10 })
    const burst = () => Array.from({ length: 20 }, () => knock('10.0.0.1')).filter((outcome) => outcome === 'in').length
    assert.equal(burst(), 10)
    assert.equal(knock('10.0.0.2'), 'in')
    clock.now = 2_000
    assert.equal(burst(), 2)
    clock.now = 60_000
    assert.equal(burst(), 10)
    clock.now = 69_999
    assert.equal(burst(), 9)
  })

  test('X2 any number of both where nothing is said, and the runtime is not asked for it', () => {
    const { entrance } = setUp({})
    const addressOf = () => assert.fail('asked')
    for (let i = 0; i < 10_000; i++) entrance.pass(asking(), { addressOf, opens: true })
    assert.equal(entrance.addresses, 0)
  })

  test('A6 a million of them are not remembered', () => {
    const buckets = new Buckets(5, 0)
    for (let i = 0; i < 1_000_000; i++) buckets.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, i / 1000)
    assert.ok(buckets.size <= 131_072, `${buckets.size}`)
    buckets.take('10.0.0.1', 1_000_000)
    assert.equal(buckets.size, 1)
  })

  test('A6 one that goes on asking is remembered whoever else asks', () => {
    const buckets = new Buckets(3, 0)
    let taken = 0
    for (let now = 0; now < 9_000; now++) {
      if (buckets.take('10.0.0.1', now)) taken += 1
      buckets.take(`10.1.${now >> 8}.${now & 255}`, now)
    }
    assert.ok(taken <= 3 + 3, `${taken}`)
  })

  test('of IPv6 is counted by its /64, of IPv4 in IPv6 as IPv4', () => {
    const same = ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::9', '2001:0db8:0001:0002:0:0:0:7', '2001:db8:1:2::1%eth0']
    assert.deepEqual(new Set(same.map(addressKey)).size, 1)
    assert.notEqual(addressKey('2001:db8:1:3::1'), addressKey('2001:db8:1:2::1'))
    assert.equal(addressKey('::ffff:10.0.0.1'), addressKey('10.0.0.1'))
    assert.equal(addressKey('::1'), '0:0:0:0::/64')
    for (const odd of ['', ':', '::::', 'x']) addressKey(odd)
  })
})

describe('behind proxies', () => {
  const forwarded = (list: string, hops: number) =>
    clientAddress(new Headers({ 'x-forwarded-for': list }), '10.9.9.9', hops)

  test('the address is what the outermost trusted one says, never what the client says before it', () => {
    assert.equal(forwarded('6.6.6.6, 1.2.3.4', 0), '10.9.9.9')
    assert.equal(forwarded('6.6.6.6, 1.2.3.4', 1), '1.2.3.4')
    assert.equal(forwarded('6.6.6.6, 1.2.3.4, 10.0.0.1', 2), '1.2.3.4')
    assert.equal(forwarded('1.2.3.4', 2), '10.9.9.9', 'it did not come through both')
    for (
      const [said, address] of [
        ['1.2.3.4:56', '1.2.3.4'],
        ['[2001:db8::1]:56', '2001:db8::1'],
        ['2001:db8::1', '2001:db8::1'],
        ['unknown', '10.9.9.9'],
        ['', '10.9.9.9'],
        ['<script>', '10.9.9.9'],
      ] as const
    ) {
      assert.equal(forwarded(said, 1), address, said)
    }
    assert.equal(clientAddress(new Headers(), '10.9.9.9', 1), '10.9.9.9')
  })

  test('the limits are of that address, and the origin is compared with the host that they were asked for', () => {
    const { entrance, knock } = setUp({ maxConnectionsPerAddress: 1 }, { trustProxy: true })
    entrance.entered('1.2.3.4')
    assert.deepEqual([
      knock('10.0.0.1', { 'x-forwarded-for': '1.2.3.4' }),
      knock('10.0.0.1', { 'x-forwarded-for': '1.2.3.5' }),
    ], ['connection_limit', 'in'])
    const headers = new Headers({ host: 'inside:8080', 'x-forwarded-host': 'chat.example.org' })
    assert.deepEqual([requestedHost(headers, 0), requestedHost(headers, 1)], ['inside:8080', 'chat.example.org'])
    assert.equal(
      knock('10.0.0.1', { origin: 'https://chat.example.org', 'x-forwarded-host': 'chat.example.org' }),
      'in',
    )
    assert.equal(
      setUp({}).knock('10.0.0.1', { origin: 'https://chat.example.org', 'x-forwarded-host': 'chat.example.org' }),
      'forbidden',
    )
  })

  test('how many there are must be a number', () => {
    assert.deepEqual([checkTrustProxy(), checkTrustProxy(false), checkTrustProxy(true), checkTrustProxy(3)], [
      0,
      0,
      1,
      3,
    ])
    for (const wrong of [-1, 1.5, 11, NaN, 'all']) {
      assert.throws(() => checkTrustProxy(wrong as number), { code: 'invalid_config', message: /trustProxy is/ })
    }
  })
})

describe('handshakes that wait', () => {
  test('A6 are so many at most, and not for ever', async () => {
    const { entrance, executor } = setUp({ maxPendingHandshakes: 2 })
    const never = () => new Promise<string>(() => {})
    const waiting = [entrance.run(never), entrance.run(never)] as Promise<string>[]
    assert.throws(() => entrance.run(never), { code: 'overloaded', retryable: true })
    const outcomes = Promise.all(waiting.map((one) => one.catch(({ code }) => code as string)))
    executor.advance(10_000)
    assert.deepEqual(await outcomes, ['timeout', 'timeout'])
    assert.equal(entrance.pending, 0)
    assert.equal(await entrance.run(() => Promise.resolve('in')), 'in')
    assert.equal(executor.pending, 0)
  })

  test('A6 are none where nothing has to be waited for', () => {
    const { entrance } = setUp({ maxPendingHandshakes: 1 })
    for (let i = 0; i < 3; i++) assert.equal(entrance.run(() => 'in'), 'in')
    assert.throws(() =>
      entrance.run(() => {
        throw new TypeError('no')
      }), TypeError)
    assert.equal(entrance.pending, 0)
  })

  test('A6 hold for a token in a session, too', async () => {
    const waiting: (() => void)[] = []
    const verify = () => new Promise<never>((_, reject) => waiting.push(() => reject(new TypeError('later'))))
    const hub = createHub({
      protocol: notes,
      authenticate: { authenticate: () => undefined, verify },
      anonymous: true,
      limits: { maxPendingHandshakes: 1 },
      logLevel: 'silent',
    })
    const host = new MemoryHost({ native: false })
    const [a, b] = [connectPeer(hub, host), connectPeer(hub, host)]
    for (const peer of [a, b]) peer.say({ type: 'session.auth', ref: '1', payload: { token: 'x' } })
    assert.equal(((await b.answer('1')).payload as { code: string }).code, 'overloaded')
    for (const reject of waiting) reject()
    assert.equal(((await a.answer('1')).payload as { code: string }).code, 'internal')
    await hub.close()
  })
})

describe('rooms and joins', () => {
  const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code?: string }).code

  test('A6 rooms are so many over all sessions; one that is empty makes place for another', async () => {
    const hub = notesHub(memoryStore(), { maxRooms: 2 })
    const host = new MemoryHost({ native: false })
    const [a, b] = [connectPeer(hub, host), connectPeer(hub, host)]
    const ask = async (peer: typeof a, type: string, room: string, ref: string) => {
      peer.say({ type, room, ref, payload: {} })
      const answer = await peer.answer(ref)
      return answer.type === 'error' ? codeOf(answer) : answer.type
    }
    assert.equal(await ask(a, 'room.join', 'r1', '1'), 'room.joined')
    assert.equal(await ask(a, 'room.join', 'r2', '2'), 'room.joined')
    assert.equal(await ask(b, 'room.join', 'r1', '3'), 'room.joined')
    assert.equal(await ask(b, 'room.join', 'r3', '4'), 'overloaded')
    b.say({ ...note('still', { ref: '5' }), room: 'r3' })
    assert.equal((await b.answer('5')).type, 'ack')
    assert.equal(await ask(a, 'room.leave', 'r2', '6'), 'room.left')
    assert.equal(await ask(b, 'room.join', 'r3', '7'), 'room.joined')
    await hub.close()
  })

  test('X2 a session asks for so many joins, and always for as many as it may be in rooms', async () => {
    const hub = notesHub(memoryStore(), { maxJoinsPerSession: 5, maxRoomsPerSession: 8 })
    const peer = connectPeer(hub, new MemoryHost({ native: false }))
    const outcomes: unknown[] = []
    for (let i = 0; i < 12; i++) {
      peer.say({ type: 'room.join', room: 'r', ref: `${i}`, payload: {} })
      const answer = await peer.answer(`${i}`)
      outcomes.push(answer.type === 'error' ? codeOf(answer) : 'in')
    }
    assert.equal(outcomes.filter((outcome) => outcome === 'in').length, 8)
    assert.deepEqual(outcomes.slice(8), Array(4).fill('quota_exceeded'))
    await hub.close()
  })
})
