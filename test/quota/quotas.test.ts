import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, type HubOptions, type QuotaRule } from '../../src/mod.ts'
import { FakeExecutor } from '../support/fake_executor.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { note, notes } from '../support/test_hub.ts'

function setUp(quotas: readonly QuotaRule[], more: Partial<HubOptions<typeof notes.definitions, object>> = {}) {
  const warnings: string[] = []
  const logger = { ...console, warn: (text: string) => void warnings.push(text) }
  const hub = createHub({ protocol: notes, quotas, logger, ...more })
  const peer = connectPeer(hub, new MemoryHost({ native: true }))
  return { hub, peer, warnings }
}

const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code: string }).code

const PADDING = JSON.stringify({ type: 'padding', payload: 'x'.repeat(3_000) })

async function outcomes(peer: MemoryPeer, count: number): Promise<string[]> {
  for (let i = 1; i <= count; i++) peer.say(note(`${i}`, { ref: `${i}` }))
  const found: string[] = []
  for (let i = 1; i <= count; i++) {
    const { type, payload } = await peer.answer(`${i}`)
    found.push(type === 'error' ? codeOf({ payload }) : type)
  }
  return found
}

describe('quotas', () => {
  test('M4 beyond the limit envelopes are rejected with when to come back; the session and others go on', async () => {
    const { hub, peer, warnings } = setUp([{ metric: 'messages', window: 3_600, limit: 3 }])
    assert.deepEqual(await outcomes(peer, 5), ['ack', 'ack', 'ack', 'quota_exceeded', 'quota_exceeded'])
    const { message, retryable } = (await peer.answer('4')).payload as { message: string; retryable: boolean }
    assert.match(message, /^More than 3 messages in 3600 s; try again in \d+ ms\.$/)
    assert.equal(retryable, true)
    const other = connectPeer(hub, new MemoryHost({ native: true }))
    assert.deepEqual(await outcomes(other, 1), ['ack'])
    assert.deepEqual(hub.metrics.quota, { delay: 0, reject: 2, terminate: 0, permitted: 0 })
    assert.equal(warnings.length, 1, 'a flood does not flood the log')
    await hub.close()
  })

  test('M4 an action terminate ends the session with 4003, told before', async () => {
    const { hub, peer } = setUp([{ metric: 'messages', window: 60, limit: 1, action: 'terminate' }])
    peer.say(note('1', { ref: '1' }))
    peer.say(note('2', { ref: '2' }))
    await peer.next('error')
    assert.equal(peer.closedWith?.code, 4003)
    assert.equal(hub.metrics.quota.terminate, 1)
    await hub.close()
  })

  test('M4 beyond a soft limit frames are delayed, in order, and the log is told', async () => {
    const { hub, peer, warnings } = setUp([{ metric: 'messages', window: 60, limit: 10, soft: 1, delay: 20 }])
    const order: string[] = []
    hub.on('note', (ctx, payload) => {
      order.push(`${payload.text} ${ctx.quota?.verdict} ${ctx.quota?.remaining}`)
      return ctx.publish(payload)
    })
    const began = performance.now()
    assert.deepEqual(await outcomes(peer, 3), ['ack', 'ack', 'ack'])
    assert.ok(performance.now() - began >= 39)
    assert.deepEqual(order, ['1 allow 9', '2 delay 8', '3 delay 7'])
    assert.match(warnings[0]!, /2 of 10 messages in 60 s/)
    await hub.close()
  })

  test('M4 a frame that is delayed ends with its session, and keeps no hub from closing', async () => {
    const rules = [{ metric: 'messages', window: 60, limit: 10, soft: 0, delay: 60_000 }] as const
    const executor = new FakeExecutor()
    const { hub, peer } = setUp(rules, { executor })
    const handled: string[] = []
    hub.on('note', (ctx, payload) => {
      handled.push(payload.text)
      return ctx.publish(payload)
    })
    const ended = new Promise((resolve) => hub.onClose(resolve))
    peer.say(note('1'))
    hub.session(peer.connection.id)!.close()
    await ended
    connectPeer(hub, new MemoryHost({ native: true })).say(note('2'))
    const began = performance.now()
    await hub.close()
    assert.ok(performance.now() - began < 4_000, 'the hub waited for a frame of nobody')
    await executor.pass(60_000, 10_000)
    assert.deepEqual([handled, executor.pending, executor.size], [[], 0, 0])
  })

  test('M4 a hub that is closed leaves no rhythm to the executor that it was lent', async () => {
    const executor = new FakeExecutor()
    const { hub } = setUp([{ metric: 'bytesOut', window: 60, limit: 10_000 }], { executor })
    assert.ok(executor.pending > 0)
    await hub.close()
    assert.equal(executor.pending, 0)
  })

  test('M4 rules are about some types or all, whatever the codec calls them', async () => {
    const { hub, peer } = setUp([{ metric: 'messages', window: 60, limit: 1, types: ['typing', 'opcode.200'] }])
    hub.onOpcode(200, () => 'ok')
    peer.say({ type: 'typing', room: 'r', ref: 'a', payload: { user: 'u' } })
    peer.say({ type: 'opcode.200', ref: 'b', payload: {} })
    assert.equal(codeOf(await peer.answer('b')), 'quota_exceeded')
    assert.deepEqual(await outcomes(peer, 3), ['ack', 'ack', 'ack'])
    await hub.close()
  })

  test('M4 bytes in are metered a frame: all envelopes of a frame that is too much are answered', async () => {
    const { hub, peer } = setUp([{ metric: 'bytesIn', window: 60, limit: 300 }], { limits: { maxMessageSize: 300 } })
    peer.connection.receive(JSON.stringify([note('a', { ref: 'a' }), note('b', { ref: 'b' })]))
    assert.equal((await peer.answer('b')).type, 'ack')
    peer.connection.receive(JSON.stringify([note('x'.repeat(400), { ref: 'c' }), note('d', { ref: 'd' })]))
    for (const ref of ['c', 'd']) assert.equal(codeOf(await peer.answer(ref)), 'quota_exceeded')
    peer.say(note('e', { ref: 'e' }))
    assert.equal((await peer.answer('e')).type, 'ack', 'what was refused cost nothing')
    await hub.close()
  })

  test('M4 bytes out are metered too: who was sent too much is refused, or ended though it only listens', async () => {
    const { hub, peer } = setUp([{ metric: 'bytesOut', window: 60, limit: 2_000 }])
    hub.session(peer.connection.id)!.sendText(PADDING)
    peer.say(note('a', { ref: 'a' }))
    assert.equal(codeOf(await peer.answer('a')), 'quota_exceeded')
    await hub.close()
    const strict = setUp([{ metric: 'bytesOut', window: 60, limit: 2_000, action: 'terminate' }])
    const ended = new Promise<number>((resolve) => strict.hub.onClose((_, code) => resolve(code)))
    strict.hub.session(strict.peer.connection.id)!.sendText(PADDING)
    assert.equal(await ended, 4003)
    await strict.hub.close()
  })

  test('M4 a permissive hub lets all through, counts and warns', async () => {
    const { hub, peer, warnings } = setUp([{ metric: 'messages', window: 60, limit: 1 }], { quotaMode: 'permissive' })
    assert.deepEqual(await outcomes(peer, 3), ['ack', 'ack', 'ack'])
    assert.equal(hub.metrics.quota.permitted, 2)
    assert.match(warnings[0]!, /let through/)
    await hub.close()
  })

  test('a rule that is wrong keeps the hub from starting, and names what is wrong', () => {
    const good = { metric: 'messages', window: 1, limit: 1 }
    const wrong: [unknown, RegExp][] = [
      [{ ...good, metric: 'cpu' }, /quotas\[0\]\.metric is "cpu"; it must be one of messages, bytesIn, bytesOut/],
      [{ ...good, window: 0 }, /quotas\[0\]\.window is "0"/],
      [{ ...good, limit: 1.5 }, /\.limit is "1\.5"/],
      [{ ...good, soft: 2 }, /\.soft is "2"; it must be a whole number from 0 to the limit, 1/],
      [{ ...good, delay: 0 }, /\.delay/],
      [{ ...good, action: 'warn' }, /\.action is "warn"/],
      [{ ...good, types: 'chat' }, /\.types/],
      [{ ...good, metric: 'bytesIn', types: ['a'] }, /\.types/],
      [{ ...good, metric: 'bytesIn', limit: 65_535 }, /\.limit is "65535"; .* from limits.maxMessageSize, 65536/],
      [{ ...good, burst: 7 }, /\.burst/],
      [7, /quotas\[0\] is "7"/],
      [undefined, /quotas\[0\]/],
    ]
    for (const [rule, message] of wrong) {
      assert.throws(() => createHub({ protocol: notes, quotas: [rule as QuotaRule] }), {
        code: 'invalid_config',
        message,
      })
    }
    assert.throws(() => createHub({ protocol: notes, quotas: {} as QuotaRule[] }), { code: 'invalid_config' })
  })
})
