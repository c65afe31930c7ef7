import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, Executor, type Gap, type MessageStore } from '../../src/mod.ts'
import { Retention } from '../../src/hub/retention.ts'
import type { Envelope } from '../../src/protocol/mod.ts'
import { message } from '../conformance/store_messages.ts'
import { Random } from '../conformance/random.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { notes, notesHub, range } from '../support/test_hub.ts'

/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
const seed = Number(globalThis.process?.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

const fail = (error: unknown) => assert.fail(String(error))

/** Makes a member that does not read fall behind after a hundred messages. */
const LONG = 'x'.repeat(1000)

/** Keeps so many messages of every room. */
function keeping(store: MessageStore, maxMessages: number): Retention {
  return new Retention([{ rooms: '*', maxMessages }], store, new Executor(), fail)
}

async function fill(store: MessageStore, count: number): Promise<void> {
  await store.append(range(1, count).map((i) => message('r', { type: 'note', payload: `{"text":"${i}"}` })))
}

function join(peer: MemoryPeer, payload: object = {}): void {
  peer.say({ type: 'room.join', room: 'r', ref: 'j', payload })
}

/** Checks that what a member was told of the room, messages and gaps, is everything from its cursor on; gives its end. */
function endOf(received: readonly Envelope[]): number {
  let at: number | undefined
  for (const { type, payload, seq } of received) {
    if (type === 'room.joined') at = (payload as { cursor: number }).cursor
    else if (type === 'room.gap') {
      const { code, missed, cursor } = payload as Gap
      assert.equal(code, 'history_trimmed')
      assert.equal(missed?.from, at! + 1, `seed ${seed}: a gap begins after what came before it`)
      assert.ok(missed!.to >= missed!.from && cursor === missed!.to)
      at = cursor
    } else if (seq !== undefined) {
      assert.equal(seq, at! + 1, `seed ${seed}: a message follows the one before it, or a gap is told`)
      at = seq
    }
  }
  return at ?? 0
}

const gaps = (peer: MemoryPeer) =>
  peer.received.filter(({ type }) => type === 'room.gap').map(({ payload }) => (payload as Gap).missed)

describe('retention and members', () => {
  test('L6 L7 live members notice nothing, whatever is removed', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    join(peer)
    await peer.next('room.joined')
    for (const i of range(1, 50)) {
      await hub.room('r').publish('note', { text: `${i}` })
      if (i % 10 === 0) await keeping(store, 1).sweep()
      if (i % 25 === 0) await store.trim('r', i)
    }
    await peer.until(() => peer.seqs('r').length === 50)
    assert.equal(endOf(peer.received), 50)
    assert.deepEqual(gaps(peer), [])
    await hub.close()
  })

  test('L6 L7 who was away too long is told what is gone and gets what is left', async () => {
    const store = new ControlledStore()
    await fill(store, 300)
    await keeping(store, 100).sweep()
    const hub = notesHub(store)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    join(peer, { since: { epoch: store.epoch, seq: 50 } })
    await peer.until(() => peer.seqs('r').includes(300))
    assert.deepEqual(gaps(peer), [{ from: 51, to: 200 }])
    assert.deepEqual(peer.seqs('r'), range(201, 300))
    // Who had everything that is gone is told nothing.
    const other = connectPeer(hub, new MemoryHost({ native: true }))
    join(other, { since: { epoch: store.epoch, seq: 200 } })
    await other.until(() => other.seqs('r').includes(300))
    assert.deepEqual(gaps(other), [])
    await hub.close()
  })

  test('L6 L7 of a room that is removed whole the seqs go on, and a cursor at its end is no gap', async () => {
    const store = new ControlledStore()
    await fill(store, 30)
    await new Retention([{ rooms: 'r', maxAge: 1 }], store, new Executor(), fail).sweep()
    assert.deepEqual(await store.extent('r'), { head: 30, trimmed: 30 })
    const hub = notesHub(store)
    const [all, none, late] = [0, 30, undefined].map((seq) => {
      const peer = connectPeer(hub, new MemoryHost({ native: false }))
      join(peer, seq === undefined ? { last: 10 } : { since: { epoch: store.epoch, seq } })
      return peer
    }) as [MemoryPeer, MemoryPeer, MemoryPeer]
    for (const peer of [all, none, late]) await peer.next('room.joined')
    await all.next('room.gap')
    assert.equal((await hub.room('r').publish('note', { text: 'first again' })).seq, 31)
    for (const peer of [all, none, late]) {
      await peer.until(() => peer.seqs('r').length > 0)
      assert.deepEqual(peer.seqs('r'), [31])
      assert.equal(endOf(peer.received), 31)
    }
    assert.deepEqual([all, none, late].map(gaps), [[{ from: 1, to: 30 }], [], []])
    await hub.close()
  })

  test('L6 L7 a member that is catching up while its room is trimmed is told the gap once it gets there', async () => {
    const store = new ControlledStore()
    await fill(store, 1000)
    const hub = notesHub(store)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    // The first page is read before the sweep and arrives after it; the second is read after it.
    store.holdAnswers()
    join(peer, { since: { epoch: store.epoch, seq: 0 } })
    while (store.reads < 1) await new Promise((resolve) => setTimeout(resolve))
    store.releaseAnswers()
    await peer.next('room.joined')
    const reads = store.reads
    store.holdAnswers()
    while (store.reads <= reads) await new Promise((resolve) => setTimeout(resolve))
    await store.trim('r', 900)
    store.releaseAnswers()
    await peer.until(() => peer.seqs('r').includes(1000))
    assert.equal(endOf(peer.received), 1000)
    const [gap, ...others] = gaps(peer)
    assert.deepEqual(others, [])
    assert.equal(gap?.to, 900)
    assert.ok(gap!.from > 1, 'what was read before the sweep was delivered')
    await hub.close()
  })

  test('L6 L7 a slow member that stopped being live is told what was removed meanwhile', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store, { highWaterMark: 1024, hardLimit: 1024 * 1024 })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    join(peer)
    await peer.next('room.joined')
    peer.stalled = true
    for (const i of range(1, 200)) await hub.room('r').publish('note', { text: `${i} ${LONG}` })
    await keeping(store, 20).sweep()
    peer.drain()
    await peer.until(() => peer.seqs('r').includes(200))
    assert.equal(endOf(peer.received), 200)
    assert.equal(gaps(peer).length, 1)
    assert.equal(gaps(peer)[0]?.to, 180)
    await hub.close()
  })

  test('L6 L7 whatever members do while rooms are swept, they get each message or are told of it', async () => {
    const random = new Random(seed)
    let told = 0
    for (let run = 0; run < 15; run++) {
      const store = new ControlledStore()
      const native = random.chance(0.5)
      const hub = notesHub(store, { highWaterMark: 1024, hardLimit: 16 * 1024 * 1024 })
      const host = new MemoryHost({ native })
      const peers = range(1, 6).map(() => connectPeer(hub, host, { batches: random.chance(0.7) }))
      for (const peer of peers) join(peer, random.chance(0.5) ? { since: { epoch: store.epoch, seq: 0 } } : {})
      const other = notesHub(store)
      const retention = keeping(store, random.whole(1, 60))
      for (let step = 0; step < 25; step++) {
        const count = random.whole(1, 40)
        const node = random.chance(0.8) ? hub : other
        await Promise.all(range(1, count).map((i) => node.room('r').publish('note', { text: `${step}.${i} ${LONG}` })))
        const sweeping = random.chance(0.5) ? retention.sweep() : undefined
        for (const peer of peers) {
          if (random.chance(0.3)) peer.stalled = true
          else if (random.chance(0.5)) peer.drain()
          if (!random.chance(0.15)) continue
          // Comes back where it was: with what it has been given, not with what waits in its buffer.
          peer.drain()
          peer.say({ type: 'room.leave', room: 'r', ref: `l${step}`, payload: {} })
          join(peer, { since: { epoch: store.epoch, seq: endOf(peer.received) } })
        }
        await sweeping
      }
      const { seq } = await hub.room('r').publish('note', { text: 'last' })
      for (const peer of peers) {
        peer.drain()
        await peer.until((received) => endOf(received) >= seq)
        assert.equal(peer.closedWith, undefined)
        told += gaps(peer).length
      }
      await hub.close()
      await other.close()
    }
    assert.ok(told > 0, `seed ${seed}: nobody missed anything`)
  })
})

describe('the option retention', () => {
  test('L7 makes a hub remove what is not kept, and count it', async () => {
    const store = new ControlledStore()
    await fill(store, 30)
    const swept = Promise.withResolvers<void>()
    const trim = store.trim.bind(store)
    store.trim = (room, through) => trim(room, through).finally(swept.resolve)
    const retention = [{ rooms: 'r*', maxMessages: 10 }]
    const hub = createHub({ protocol: notes, store, retention, retentionInterval: 0.01 })
    await swept.promise
    assert.deepEqual(await store.extent('r'), { head: 30, trimmed: 20 })
    assert.equal((await hub.room('r').publish('note', { text: 'next' })).seq, 31)
    await hub.close()
    const { messages, failures, sweeps } = hub.metrics.retention
    assert.ok(messages >= 20 && sweeps > 0)
    assert.equal(failures, 0)
  })

  test('L7 a hub that closes does not wait for a long sweep, nor is the store closed under it', async () => {
    const store = new ControlledStore()
    for (let i = 0; i < 20; i++) await fill(store, 1000)
    const reached = Promise.withResolvers<void>()
    let closed = false
    let late = 0
    const trim = store.trim.bind(store)
    const close = store.close.bind(store)
    store.trim = async (room, through) => {
      if (closed) late += 1
      const removed = await trim(room, through)
      if (through >= 2000) reached.resolve()
      return removed
    }
    store.close = () => (closed = true, close())
    const reported: unknown[] = []
    const retention = [{ rooms: 'r', maxMessages: 1 }]
    const hub = createHub({ protocol: notes, store, retention, retentionInterval: 0.01 })
    hub.onError((error) => void reported.push(error))
    await reached.promise
    await hub.close()
    assert.ok(hub.metrics.retention.messages < 19_999, 'it ended before it was done')
    assert.deepEqual([late, reported], [0, []])
  })

  test('L7 what a sweep fails at is told to the error handlers, and clients go on', async () => {
    const store = new ControlledStore()
    await fill(store, 30)
    store.trim = () => Promise.reject(new Error('locked'))
    const told = Promise.withResolvers<unknown>()
    const hub = createHub({
      protocol: notes,
      store,
      retention: [{ rooms: '*', maxMessages: 10 }],
      retentionInterval: 0.01,
    })
    hub.onError(told.resolve)
    assert.match(String(await told.promise), /locked/)
    assert.equal((await hub.room('r').publish('note', { text: 'next' })).seq, 31)
    assert.ok(hub.metrics.retention.failures > 0)
    await hub.close()
  })

  test('X6 a wrong rule or interval keeps the hub from being made', () => {
    assert.throws(() => createHub({ protocol: notes, retention: [{ rooms: 'r' }] }), {
      code: 'invalid_config',
      message: /^retention\[0\] has neither/,
    })
    assert.throws(() => createHub({ protocol: notes, retentionInterval: 0 }), {
      code: 'invalid_config',
      message: 'retentionInterval is "0"; it must be a number of seconds from 0.01 to 86400.',
    })
  })
})
