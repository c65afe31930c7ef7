import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RotundaError } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notesHub, range } from '../support/test_hub.ts'

describe('the journal', () => {
  test('what arrives while a commit is in flight becomes one commit', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    store.hold()
    const first = hub.room('r').publish('note', { text: 'first' })
    while (store.batches.length === 0) await new Promise((resolve) => setTimeout(resolve))
    const rest = range(2, 500).map((i) => hub.room(`r${i % 7}`).publish('note', { text: `${i}` }))
    store.release()
    await Promise.all([first, ...rest])
    assert.equal(store.batches.length, 2)
    assert.deepEqual(hub.metrics.messages, 500)
    await hub.close()
  })

  test('a commit takes at most maxCommit messages, in the order of arrival', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store, { maxCommit: 100 })
    const published = await Promise.all(range(1, 950).map((i) => hub.room('r').publish('note', { text: `${i}` })))
    assert.deepEqual(published.map(({ seq }) => seq), range(1, 950))
    assert.ok(Math.max(...store.batches) <= 100)
    await hub.close()
  })

  test('I5: the queue is bounded, and what does not fit is refused as retryable', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store, { maxJournalQueue: 10 })
    store.hold()
    const results = Promise.allSettled(range(1, 30).map((i) => hub.room('r').publish('note', { text: `${i}` })))
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    for (const i of range(1, 40)) peer.say(note('x', { ref: `${i}` }))
    const refused = (await peer.next('error')).payload as { code: string; retryable: boolean }
    assert.deepEqual([refused.code, refused.retryable], ['overloaded', true])
    store.release()
    const rejected = (await results).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.ok(rejected.length >= 10, `${rejected.length} refused`)
    for (const { reason } of rejected) assert.ok(reason instanceof RotundaError && reason.code === 'overloaded')
    await peer.until((received) => received.filter(({ type }) => type === 'ack' || type === 'error').length === 40)
    assert.equal((await hub.room('r').publish('note', { text: 'taken again' })).id.length, 20)
    await hub.close()
  })

  test('a failed commit tells its publishers to retry, broadcasts nothing, and the server goes on', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    const reported: unknown[] = []
    hub.onError((error) => reported.push(error))
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    await peer.next('room.joined')
    store.fail = 'before'
    peer.say(note('lost', { ref: '2', key: 'k' }))
    const { payload } = await peer.next('error', '2')
    assert.deepEqual(payload, {
      code: 'store_unavailable',
      message: 'The message could not be stored; send it again with the same key.',
      retryable: true,
    })
    await assert.rejects(hub.room('r').publish('note', { text: 'x' }), { code: 'store_unavailable' })
    assert.match(String(reported[0]), /disk full/)
    assert.ok(!JSON.stringify(peer.received).includes('disk full'), 'the inside was told to a client')
    store.fail = undefined
    peer.say(note('found', { ref: '3', key: 'k' }))
    await peer.next('ack', '3')
    await peer.next('note')
    assert.deepEqual(peer.seqs('r'), [1])
    await hub.close()
  })

  test('I3: a retry through another node gets the first id and seq, and is delivered once', async () => {
    const store = new ControlledStore()
    const [a, b] = [notesHub(store), notesHub(store)]
    const peer = connectPeer(b, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    await peer.next('room.joined')
    const first = await a.room('r').publish('note', { text: 'once' }, { key: 'k' })
    peer.say(note('once', { ref: '2', key: 'k' }))
    assert.deepEqual((await peer.next('ack', '2')).payload, first)
    peer.say(note('once', { ref: '3', key: 'k' }))
    await peer.next('ack', '3')
    await peer.until(() => peer.seqs('r').length > 0)
    await b.room('r').publish('note', { text: 'next' })
    await peer.until(() => peer.seqs('r').includes(2))
    assert.deepEqual(peer.seqs('r'), [1, 2])
    await a.close()
  })

  test('acks of one commit reach a client as one frame, before the messages', async () => {
    const hub = notesHub(new ControlledStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: 'j', payload: {} })
    await peer.next('room.joined')
    peer.frames.length = 0
    peer.say(range(1, 20).map((i) => note(`${i}`, { ref: `${i}` })))
    await peer.until(() => peer.seqs('r').length === 20)
    const frames = peer.frames.map((frame) => JSON.parse(frame as string) as { type: string; ref: string }[])
    assert.deepEqual(frames.map((frame) => [frame[0]!.type, frame.length]), [['ack', 20], ['note', 20]])
    assert.deepEqual(frames[0]!.map(({ ref }) => ref), range(1, 20).map(String))
    await hub.close()
  })

  test('close stores and acknowledges what was taken', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    store.hold()
    peer.say(note('last words', { ref: '1' }))
    const closing = hub.close()
    store.release()
    await closing
    assert.ok(peer.received.some(({ type, ref }) => type === 'ack' && ref === '1'))
    assert.equal(peer.closedWith?.code, 1001)
  })
})
