import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AppendMessage, memoryStore, type MessageStore } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notesHub, range } from '../support/test_hub.ts'

const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code: string }).code

function stored(from: number, to: number): AppendMessage[] {
  return range(from, to).map((i) => {
    return { room: 'r', kind: 'event', type: 'note', from: null, key: null, ts: 1, payload: `{"text":"${i}"}` }
  })
}

/** A store with a gate in front of one of its methods. */
function gated<K extends 'append' | 'replayRoom' | 'extent'>(store: MessageStore, method: K) {
  let open = () => {}
  let reached = () => {}
  const gate = new Promise<void>((resolve) => open = resolve)
  const arrived = new Promise<void>((resolve) => reached = resolve)
  const call = store[method].bind(store) as (...args: unknown[]) => Promise<unknown>
  const held = async (...args: unknown[]) => {
    const result = await call(...args)
    reached()
    await gate
    return result
  }
  const all: MessageStore = {
    epoch: store.epoch,
    append: (messages) => store.append(messages),
    listByRoom: (room, limit, before) => store.listByRoom(room, limit, before),
    replayRoom: (room, after, limit) => store.replayRoom(room, after, limit),
    replayFrom: (id, limit) => store.replayFrom(id, limit),
    extent: (room) => store.extent(room),
    rooms: (prefix, after, limit) => store.rooms(prefix, after, limit),
    seqBefore: (room, ts, limit) => store.seqBefore(room, ts, limit),
    trim: (room, through) => store.trim(room, through),
    close: () => store.close(),
    [method]: held,
  }
  return { store: all, open: () => open(), arrived }
}

for (const native of [true, false]) {
  describe(`interleavings (native topics: ${native})`, () => {
    test('I4: a page that an own commit overtook is no gap', async () => {
      const log = memoryStore()
      const commit = gated(log, 'append')
      const page = gated(commit.store, 'replayRoom')
      const hub = notesHub(page.store)
      const host = new MemoryHost({ native })
      const live = connectPeer(hub, host)
      live.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await live.next('room.joined')
      // Stored, but the answer is late; another node stores more, and a join with `last` makes this one read.
      live.say(range(1, 64).map((i) => note(`${i}`)))
      await commit.arrived
      await log.append(stored(65, 164))
      const late = connectPeer(hub, host)
      late.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 10 } })
      await page.arrived
      commit.open()
      await live.until(() => live.seqs('r').length === 64)
      page.open()
      await live.until(() => live.seqs('r').at(-1) === 164 || live.received.some(({ type }) => type === 'room.gap'))
      assert.deepEqual(live.seqs('r'), range(1, 164))
      assert.ok(!live.received.some(({ type }) => type === 'room.gap'), 'a gap was told where nothing was trimmed')
      await hub.close()
    })

    test('I4: a doubt that comes while another is being settled is settled too', async () => {
      const store = new ControlledStore()
      const hub = notesHub(store)
      hub.onError(() => {})
      const peer = connectPeer(hub, new MemoryHost({ native }))
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await peer.next('room.joined')
      store.fail = 'after'
      store.holdAnswers()
      for (const ref of ['first', 'second']) {
        peer.say(note(ref, { ref }))
        await peer.next('error', ref)
      }
      store.releaseAnswers()
      await peer.until(() => peer.seqs('r').length === 2)
      assert.deepEqual(peer.seqs('r'), [1, 2])
      await hub.close()
    })

    test('a member that waited at the end of a trimmed log is live once that is known', async () => {
      const log = memoryStore()
      const hub = notesHub(log)
      const host = new MemoryHost({ native })
      const early = connectPeer(hub, host)
      early.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await early.next('room.joined')
      await log.append(stored(1, 20))
      await log.trim('r', 20)
      const peer = connectPeer(hub, host)
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: { since: { epoch: hub.epoch, seq: 20 } } })
      await peer.next('room.joined')
      await early.next('room.gap')
      hub.room('r').publish('typing', { user: 'u' })
      await peer.next('typing')
      await hub.close()
    })
  })
}

describe('endings', () => {
  test('R1: a session that has ended cannot become a member', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const other = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    await hub.session(other.connection.id)!.join('r')
    const joining = session.join('s')
    peer.connection.closed(1006, '')
    await assert.rejects(joining, { code: 'closed' })
    await assert.rejects(session.join('r'), { code: 'closed' })
    assert.deepEqual([hub.rooms, hub.room('r').size], [['r'], 1])
    await hub.close()
  })

  test('R1: leaving while a join is pending is the last word', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    const joining = session.join('r')
    session.leave('r')
    await assert.rejects(joining, { code: 'closed' })
    assert.deepEqual([session.inRoom('r'), hub.rooms], [false, []])
    await hub.close()
  })

  for (const first of ['client', 'application']) {
    test(`R1: a client and its application join at once, the ${first} first: both are answered`, async () => {
      const store = new ControlledStore()
      store.holdAnswers()
      const hub = notesHub(store)
      const peer = connectPeer(hub, new MemoryHost({ native: true }))
      const session = hub.session(peer.connection.id)!
      const ask = () => peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      if (first === 'client') ask()
      const joining = session.join('r')
      if (first === 'application') ask()
      store.releaseAnswers()
      assert.equal((await peer.answer('1')).type, 'room.joined')
      assert.equal((await joining).cursor, 0)
      assert.deepEqual([session.inRoom('r'), hub.room('r').size], [true, 1])
      session.leave('r')
      assert.deepEqual([hub.rooms, hub.metrics.rooms], [[], 0])
      await hub.close()
    })
  }

  test('R1: a client that is taken out of a room while it joins is told', async () => {
    const store = new ControlledStore()
    store.holdAnswers()
    const hub = notesHub(store)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    hub.session(peer.connection.id)!.leave('r')
    store.releaseAnswers()
    assert.equal(codeOf(await peer.answer('1')), 'forbidden')
    peer.say({ type: 'room.join', room: 'r', ref: '2', payload: {} })
    assert.equal((await peer.answer('2')).type, 'room.joined')
    await hub.close()
  })

  test(
    'closing ends although a handler never does, and although clients go on publishing',
    { timeout: 30_000 },
    async () => {
      const hub = notesHub(memoryStore())
      const peer = connectPeer(hub, new MemoryHost({ native: true }))
      hub.on('typing', () => new Promise(() => {}))
      peer.say({ type: 'typing', room: 'r', payload: { user: 'u' } })
      const writer = connectPeer(hub, new MemoryHost({ native: true }))
      const timer = setInterval(() => writer.say(note('more', { ref: '1' })), 1)
      await writer.next('ack')
      await hub.close()
      clearInterval(timer)
      assert.equal(writer.closedWith?.code, 1001)
    },
  )

  test('a connection that gets past the handshake of a full or closing hub is sent away', async () => {
    const hub = notesHub(memoryStore(), { maxConnections: 1 })
    const told: number[] = []
    hub.onOpen(() => void told.push(1))
    const host = new MemoryHost({ native: true })
    connectPeer(hub, host)
    const second = connectPeer(hub, host)
    assert.equal(codeOf(await second.next('error')), 'connection_limit')
    assert.deepEqual([second.closedWith?.code, hub.sessionCount, told.length], [1013, 1, 1])
    await hub.close()
    const third = connectPeer(hub, host)
    assert.equal(codeOf(await third.next('error')), 'shutting_down')
    assert.equal(third.closedWith?.code, 1001)
  })

  test('a handler that hands on what the journal refuses still has its client answered', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store, { maxJournalQueue: 1 })
    hub.on('note', (ctx, payload) => ctx.publish(payload))
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    store.hold()
    for (const i of range(1, 5)) peer.say(note(`${i}`, { ref: `${i}` }))
    assert.equal(codeOf(await peer.next('error', '5')), 'overloaded')
    store.release()
    await peer.next('ack', '1')
    const answers = peer.received.filter(({ ref }) => ref === '5')
    assert.equal(answers.length, 1, 'told once')
    await hub.close()
  })

  test('an error handler that rejects does not end the process', async () => {
    const hub = notesHub(memoryStore())
    const { promise, resolve } = Promise.withResolvers<void>()
    hub.onError(async () => {
      await Promise.resolve()
      queueMicrotask(resolve)
      throw new Error('the error tracker is down')
    })
    hub.report(new Error('something'))
    await promise
    await hub.close()
  })

  test('a durable publish of the server tells every failure through its promise', async () => {
    const hub = notesHub(memoryStore())
    // @ts-expect-error -- the payload does not fit
    await assert.rejects(hub.room('r').publish('note', { text: 5 }), { code: 'invalid_payload' })
    await assert.rejects(hub.room('r').publish('note', { text: 'x' }, { key: '' }), { code: 'invalid_key' })
    await hub.close()
  })

  for (const native of [true, false]) {
    test(`I5: a broadcast to all but one spares a slow member as any other does (native topics: ${native})`, async () => {
      const hub = notesHub(memoryStore(), { highWaterMark: 65_536, hardLimit: 1024 * 1024 })
      const host = new MemoryHost({ native })
      const [slow, other] = [connectPeer(hub, host), connectPeer(hub, host)]
      for (const peer of [slow, other]) await hub.session(peer.connection.id)!.join('r')
      slow.stalled = true
      const except = hub.session(other.connection.id)!
      for (let i = 0; i < 2_000; i++) hub.room('r').broadcast('typing', { user: 'x'.repeat(1_000) }, { except })
      assert.equal(slow.closedWith, undefined)
      assert.ok(slow.bufferedAmount < 300_000, `${slow.bufferedAmount} bytes wait`)
      assert.ok(hub.metrics.ephemeralDropped > 1_000, 'what was dropped is counted')
      await hub.close()
    })
  }

  test('a value that cannot be written as text is refused by name all the same', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const before = { toString: 1, valueOf: 1 }
    peer.say({ type: 'room.history', room: 'r', ref: '1', payload: { before } })
    assert.equal(codeOf(await peer.next('error', '1')), 'invalid_cursor')
    await hub.close()
  })

  test('what could never be read is not stored', async () => {
    const hub = notesHub(memoryStore(), { hardLimit: 1024 * 1024 })
    await assert.rejects(hub.room('r').publish('note', { text: 'x'.repeat(600_000) }), { code: 'message_too_big' })
    await hub.close()
  })

  test('a history answer ends at about 1 MiB, and holds at least one message', async () => {
    const hub = notesHub(memoryStore())
    const text = 'x'.repeat(300_000)
    await Promise.all(range(1, 10).map(() => hub.room('r').publish('note', { text })))
    assert.equal((await hub.room('r').history({ limit: 10 })).messages.length, 3)
    await hub.room('r').publish('note', { text: 'x'.repeat(2_000_000) })
    assert.equal((await hub.room('r').history({ limit: 10 })).messages.length, 1)
    await hub.close()
  })
})
