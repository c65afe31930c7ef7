import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, type HubOptions, type MessageTrace, type Tracing } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes } from '../support/test_hub.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function setUp(tracing: Tracing, options: Partial<HubOptions<typeof notes.definitions, object>> = {}) {
  const errors: string[] = []
  const hub = createHub({ protocol: notes, tracing, ...options })
  hub.onError((error) => void errors.push((error as Error).message))
  const host = new MemoryHost({ native: true })
  return { hub, errors, peer: connectPeer(hub, host), member: connectPeer(hub, host) }
}

function fail(): never {
  throw new Error('the tracer is down')
}

describe('tracing', () => {
  for (const where of ['publish', 'committed'] as const) {
    test(`L6 a tracer whose ${where} throws is reported, and keeps no message from its way`, async () => {
      const trace: MessageTrace = { traceparent: undefined, committed: fail, failed: fail }
      const { hub, errors, peer, member } = setUp({ publish: where === 'publish' ? fail : () => trace })
      member.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await member.answer('1')
      for (const ref of ['1', '2']) {
        peer.say({ ...note(ref, { ref }), traceparent })
        assert.equal((await peer.answer(ref)).type, 'ack')
      }
      await member.until(() => member.seqs('r').length === 2)
      assert.ok(member.received.every((envelope) => envelope.seq === undefined || envelope.traceparent === traceparent))
      assert.deepEqual([hub.metrics.commits, errors], [2, ['the tracer is down', 'the tracer is down']])
      await hub.close()
    })
  }

  test('L6 a tracer whose failed throws keeps no client from its answer', async () => {
    const store = new ControlledStore()
    store.fail = 'before'
    const { hub, peer } = setUp({ publish: () => ({ traceparent: undefined, committed: fail, failed: fail }) }, {
      store,
    })
    peer.say([note('1', { ref: '1' }), note('2', { ref: '2' })])
    for (const ref of ['1', '2']) assert.equal((await peer.answer(ref)).type, 'error')
    await hub.close()
  })

  test('L6 every trace is ended once, of messages too that the journal does not take', async () => {
    const store = new ControlledStore()
    store.hold()
    const ends: string[] = []
    const begun: string[] = []
    const publish: Tracing['publish'] = ({ type }) => {
      begun.push(type)
      return {
        traceparent: undefined,
        committed: ({ seq }) => void ends.push(`committed ${seq}`),
        failed: ({ code }) => void ends.push(code),
      }
    }
    const { hub, peer } = setUp({ publish }, { store, limits: { maxJournalQueue: 16 } })
    for (let i = 0; i < 20; i++) peer.say(note(`${i}`, { ref: `${i}` }))
    assert.equal((await peer.answer('19')).type, 'error')
    store.release()
    await peer.answer('0')
    await hub.close()
    assert.equal(ends.length, begun.length)
    assert.deepEqual(new Set(ends.slice(0, 4)), new Set(['overloaded']))
    assert.equal(ends.at(-1), 'committed 16')
  })
})
