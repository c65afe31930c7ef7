import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notesHub, range } from '../support/test_hub.ts'

const hosts = [['a host with topics', true], ['a host without topics', false]] as const

for (const [name, native] of hosts) {
  describe(`delivery on ${name}`, () => {
    test('I1: nobody sees, and no ack confirms, a message before its commit', async () => {
      const store = new ControlledStore()
      const hub = notesHub(store)
      const peer = connectPeer(hub, new MemoryHost({ native }))
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await peer.next('room.joined')
      store.hold()
      peer.say(note('held', { ref: '2' }))
      peer.say({ type: 'typing', room: 'r', payload: { user: 'u' } })
      peer.say({ type: 'session.ping', ref: '3' })
      await peer.next('session.pong')
      assert.deepEqual(peer.seqs('r'), [], 'delivered before its commit')
      assert.ok(!peer.received.some(({ type }) => type === 'ack'), 'acknowledged before its commit')
      assert.ok(
        peer.received.some(({ type }) => type === 'typing'),
        'I7: an ephemeral one does not wait for the commit',
      )
      store.release()
      assert.deepEqual((await peer.next('ack', '2')).payload, { id: '00000000000000000001', seq: 1 })
      await peer.next('note')
      await hub.close()
    })

    test('I4: join with `last` and live messages have no gap between them', async () => {
      const hub = notesHub(memoryStore())
      const host = new MemoryHost({ native })
      for (const i of range(1, 100)) void hub.room('r').publish('note', { text: `${i}` })
      await hub.room('r').publish('note', { text: '101' })
      const peer = connectPeer(hub, host)
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 50 } })
      for (const i of range(102, 300)) void hub.room('r').publish('note', { text: `${i}` })
      await peer.until(() => peer.seqs('r').at(-1) === 300)
      const joined = (await peer.next('room.joined')).payload as { cursor: number; head: number }
      assert.deepEqual(peer.seqs('r'), range(joined.cursor + 1, 300))
      assert.equal(joined.cursor, joined.head - 50)
      await hub.close()
    })

    test('L6: a cursor gives everything after it, once, however long the log and however busy the room', async () => {
      const hub = notesHub(memoryStore())
      const host = new MemoryHost({ native })
      await Promise.all(range(1, 5_000).map((i) => hub.room('r').publish('note', { text: `${i}` })))
      const live = connectPeer(hub, host)
      live.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      const late = connectPeer(hub, host, { batches: false })
      late.say({ type: 'room.join', room: 'r', ref: '1', payload: { since: { epoch: hub.epoch, seq: 17 } } })
      for (let i = 5_001; i <= 6_000; i++) {
        const publishing = hub.room('r').publish('note', { text: `${i}` })
        if (i % 50 === 0) await publishing
      }
      await late.until(() => late.seqs('r').at(-1) === 6_000)
      assert.deepEqual(late.seqs('r'), range(18, 6_000))
      await live.until(() => live.seqs('r').at(-1) === 6_000)
      const { cursor } = (await live.next('room.joined')).payload as { cursor: number }
      assert.deepEqual(live.seqs('r'), range(cursor + 1, 6_000))
      await hub.close()
    })

    test('I5, X6: a slow consumer is switched to reading the log, its buffer stays bounded, nothing is lost', async () => {
      const store = new ControlledStore()
      const hub = notesHub(store, { highWaterMark: 65_536, hardLimit: 1024 * 1024 })
      const host = new MemoryHost({ native })
      const [slow, quick] = [connectPeer(hub, host), connectPeer(hub, host)]
      for (const peer of [slow, quick]) peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await Promise.all([slow.next('room.joined'), quick.next('room.joined')])
      slow.stalled = true
      let largest = 0
      for (const i of range(1, 2_000)) {
        await hub.room('r').publish('note', { text: `${i}`.padEnd(1_000) })
        largest = Math.max(largest, slow.bufferedAmount)
      }
      // A topic does not tell who is slow; a loop knows at once.
      const beyond = native ? 3 * 65_536 : 2_000
      assert.ok(largest < 65_536 + beyond, `the slow consumer's buffer grew to ${largest}`)
      assert.deepEqual(quick.seqs('r'), range(1, 2_000))
      assert.equal(slow.closedWith, undefined)
      slow.drain()
      await slow.until(() => slow.seqs('r').at(-1) === 2_000)
      assert.deepEqual(slow.seqs('r'), range(1, 2_000))
      await hub.room('r').publish('note', { text: 'live again' })
      await slow.until(() => slow.seqs('r').at(-1) === 2_001)
      await hub.close()
    })

    test('I5: a consumer that drains a little at a time never exceeds its bound and loses nothing', async () => {
      const hub = notesHub(memoryStore(), { highWaterMark: 65_536 })
      const host = new MemoryHost({ native })
      const slow = connectPeer(hub, host)
      slow.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await slow.next('room.joined')
      let largest = 0
      for (const i of range(1, 3_000)) {
        slow.stalled = i % 400 !== 0
        if (!slow.stalled) slow.drain()
        await hub.room('r').publish('note', { text: `${i}`.padEnd(1_000) })
        largest = Math.max(largest, slow.bufferedAmount)
      }
      slow.drain()
      await slow.until(() => slow.seqs('r').at(-1) === 3_000)
      assert.deepEqual(slow.seqs('r'), range(1, 3_000))
      assert.ok(largest < 1024 * 1024, `buffered ${largest}`)
      await hub.close()
    })

    test('I4: a commit of which nobody knows the outcome is delivered once it is found in the log', async () => {
      const store = new ControlledStore()
      const hub = notesHub(store)
      hub.onError(() => {})
      const peer = connectPeer(hub, new MemoryHost({ native }))
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await peer.next('room.joined')
      store.fail = 'after'
      peer.say(note('stored, but who knows', { ref: '2', key: 'k1' }))
      const error = (await peer.next('error', '2')).payload
      assert.deepEqual([error].map((e) => [(e as { code: string }).code, (e as { retryable: boolean }).retryable]), [[
        'store_unavailable',
        true,
      ]])
      await peer.until(() => peer.seqs('r').includes(1))
      store.fail = undefined
      peer.say(note('stored, but who knows', { ref: '3', key: 'k1' }))
      assert.deepEqual((await peer.next('ack', '3')).payload, { id: '00000000000000000001', seq: 1 })
      peer.say(note('next', { ref: '4' }))
      await peer.next('ack', '4')
      await peer.until(() => peer.seqs('r').includes(2))
      assert.deepEqual(peer.seqs('r'), [1, 2])
      await hub.close()
    })

    test('I4: rows that another node wrote are read before what this node commits after them', async () => {
      const shared = memoryStore()
      const [a, b] = [notesHub(shared), notesHub(shared)]
      const peer = connectPeer(a, new MemoryHost({ native }))
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await peer.next('room.joined')
      await Promise.all(range(1, 1_500).map((i) => b.room('r').publish('note', { text: `b${i}` })))
      await Promise.all(range(1, 10).map((i) => a.room('r').publish('note', { text: `a${i}` })))
      await peer.until(() => peer.seqs('r').at(-1) === 1_510)
      assert.deepEqual(peer.seqs('r'), range(1, 1_510))
      await a.close()
    })

    test('L6: a cursor that another node handed out is honoured before this node has read that far', async () => {
      const shared = memoryStore()
      const [a, b] = [notesHub(shared), notesHub(shared)]
      const host = new MemoryHost({ native })
      const early = connectPeer(a, host)
      early.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await early.next('room.joined')
      await Promise.all(range(1, 20).map((i) => b.room('r').publish('note', { text: `b${i}` })))
      const moved = connectPeer(a, host)
      moved.say({ type: 'room.join', room: 'r', ref: '1', payload: { since: { epoch: a.epoch, seq: 15 } } })
      await moved.until(() => moved.seqs('r').at(-1) === 20)
      assert.deepEqual(moved.seqs('r'), range(16, 20))
      assert.ok(!moved.received.some(({ type }) => type === 'room.gap'))
      await early.until(() => early.seqs('r').at(-1) === 20)
      assert.deepEqual(early.seqs('r'), range(1, 20))
      await a.close()
    })

    test('L6: what cannot be given is told as a typed gap', async () => {
      const store = memoryStore()
      const hub = notesHub(store)
      const host = new MemoryHost({ native })
      await Promise.all(range(1, 30).map((i) => hub.room('r').publish('note', { text: `${i}` })))
      await store.trim('r', 20)
      const joinWith = async (payload: object) => {
        const peer = connectPeer(hub, host)
        peer.say({ type: 'room.join', room: 'r', ref: '1', payload })
        await peer.next('room.joined')
        await hub.room('r').publish('note', { text: 'after' })
        const { head } = await store.extent('r')
        await peer.until(() => peer.seqs('r').at(-1) === head)
        const gaps = peer.received.filter(({ type }) => type === 'room.gap')
          .map(({ payload }) => payload as { code: string; missed: unknown; cursor: number; epoch: string })
        return { gaps: gaps.map(({ code, missed, cursor }) => [code, missed, cursor]), seqs: peer.seqs('r') }
      }
      const { epoch } = hub
      assert.deepEqual(await joinWith({ since: { epoch, seq: 5 } }), {
        gaps: [['history_trimmed', { from: 6, to: 20 }, 20]],
        seqs: range(21, 31),
      })
      assert.deepEqual(await joinWith({ since: { epoch: 'another', seq: 5 } }), {
        gaps: [['epoch_changed', null, 0], ['history_trimmed', { from: 1, to: 20 }, 20]],
        seqs: range(21, 32),
      })
      assert.deepEqual(await joinWith({ since: { epoch, seq: 500 } }), {
        gaps: [['cursor_ahead', null, 32]],
        seqs: [33],
      })
      assert.deepEqual((await joinWith({ last: 1_000 })).seqs, range(21, 34))
      assert.deepEqual((await joinWith({ last: 2 })).seqs, range(33, 35))
      await hub.close()
    })

    test('L6: a database that is away for a while delays delivery and loses nothing', async () => {
      const store = new ControlledStore()
      const hub = notesHub(store)
      hub.onError(() => {})
      const host = new MemoryHost({ native })
      await Promise.all(range(1, 200).map((i) => hub.room('r').publish('note', { text: `${i}` })))
      const keeper = connectPeer(hub, host)
      keeper.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await keeper.next('room.joined')
      store.failReads = true
      const peer = connectPeer(hub, host)
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: { since: { epoch: hub.epoch, seq: 0 } } })
      peer.say({ type: 'room.history', room: 'r', ref: '2', payload: {} })
      const error = (await peer.next('error', '2')).payload as { code: string; retryable: boolean }
      assert.deepEqual([error.code, error.retryable], ['store_unavailable', true])
      store.failReads = false
      await peer.until(() => peer.seqs('r').at(-1) === 200)
      assert.deepEqual(peer.seqs('r'), range(1, 200))
      await hub.close()
    })
  })
}
