import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, memoryStore, type Session } from '../../src/mod.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes, notesHub, range } from '../support/test_hub.ts'

function setUp(count: number, native = true) {
  const hub = notesHub(memoryStore())
  const host = new MemoryHost({ native })
  const peers = range(1, count).map(() => connectPeer(hub, host))
  return { hub, host, peers, sessions: peers.map((peer) => hub.session(peer.connection.id)!) }
}

describe('sessions and rooms', () => {
  test('S4: one session object for the whole life of a connection', async () => {
    const { hub, peers: [peer], sessions: [session] } = setUp(1)
    const seen = new Set<Session<typeof notes.definitions, unknown>>([session!])
    hub.onMessage((who) => void seen.add(who))
    hub.on('note', (ctx, payload) => {
      seen.add(ctx.session)
      return ctx.publish(payload)
    })
    hub.onClose((who) => void seen.add(who))
    peer!.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    peer!.say(note('x', { ref: '2' }))
    await peer!.next('ack', '2')
    for (const member of hub.room('r').members) seen.add(member)
    peer!.connection.closed(1000, '')
    assert.equal(seen.size, 1)
    await hub.close()
  })

  test('S1: metadata is typed and made from the opening request', async () => {
    const hub = createHub({
      protocol: notes,
      metadata: (request) => ({ path: new URL(request.url).pathname, visits: 0 }),
    })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    session.metadata.visits += 1
    assert.deepEqual(session.metadata, { path: '/ws', visits: 1 })
    // @ts-expect-error -- not a field of the metadata
    assert.equal(session.metadata.nope, undefined)
    assert.deepEqual([session.remoteAddress, session.remotePort, session.node], ['127.0.0.1', 1, hub.node])
    await hub.close()
  })

  test('R1: joining twice is one membership; leaving and closing end it; empty rooms are forgotten', async () => {
    const { hub, peers: [a, b], sessions: [first] } = setUp(2)
    for (const peer of [a!, a!, b!]) peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    await a!.until((received) => received.filter(({ type }) => type === 'room.joined').length === 2)
    await b!.next('room.joined')
    await first!.join('s')
    assert.deepEqual([hub.rooms, hub.room('r').size, first!.rooms], [['r', 's'], 2, ['r', 's']])
    assert.equal(first!.inRoom('s'), true)
    await hub.room('r').publish('note', { text: 'once' })
    assert.deepEqual(a!.seqs('r'), [1])
    first!.leaveAll()
    assert.deepEqual([hub.rooms, hub.room('r').size], [['r'], 1])
    b!.connection.closed(1006, '')
    assert.deepEqual([hub.rooms, hub.sessionCount], [[], 1])
    assert.equal((await hub.room('r').history()).head, 1, 'the log outlives the room')
    await hub.close()
  })

  for (const native of [true, false]) {
    test(`R1: joining again with a position starts over from there, in one membership (native topics: ${native})`, async () => {
      const { hub, peers: [peer], sessions: [session] } = setUp(1, native)
      await Promise.all(range(1, 10).map((i) => hub.room('r').publish('note', { text: `${i}` })))
      await session!.join('r')
      peer!.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 3 } })
      await peer!.until(() => peer!.seqs('r').length === 3)
      await hub.room('r').publish('note', { text: 'live' })
      await peer!.until(() => peer!.seqs('r').includes(11))
      assert.deepEqual([peer!.seqs('r'), hub.room('r').size], [[8, 9, 10, 11], 1])
      await hub.close()
    })
  }

  test('R1: leaving a room that one is not in is answered', async () => {
    const { hub, peers: [peer] } = setUp(1)
    peer!.say({ type: 'room.leave', room: 'r', ref: '1' })
    await peer!.next('room.left', '1')
    await hub.close()
  })

  for (const native of [true, false]) {
    test(`R2: every form of broadcast reaches whom it names (native topics: ${native})`, async () => {
      const { hub, peers, sessions } = setUp(4, native)
      await Promise.all(sessions.slice(0, 3).map((session) => session.join('r')))
      const got = (type: string) =>
        peers.map((peer) => peer.received.filter((envelope) => envelope.type === type).length)
      hub.broadcast('typing', { user: 'all' })
      assert.deepEqual(got('typing'), [1, 1, 1, 1])
      hub.broadcast('typing', { user: 'not 0' }, { except: sessions[0]! })
      assert.deepEqual(got('typing'), [1, 2, 2, 2])
      hub.room('r').broadcast('typing', { user: 'room' })
      assert.deepEqual(got('typing'), [2, 3, 3, 2])
      hub.room('r').broadcast('note', { text: 'never stored' }, { except: sessions[1]! })
      assert.deepEqual(got('note'), [1, 0, 1, 0])
      hub.room('r').publish('typing', { user: 'room' })
      assert.deepEqual(got('typing'), [3, 4, 4, 2])
      const texts = () => peers.map((peer) => peer.frames.filter((frame) => frame === '"plain"').length)
      hub.broadcastText('"plain"')
      hub.room('r').broadcastText('"plain"', { except: sessions[2]! })
      assert.deepEqual(texts(), [2, 2, 1, 1])
      assert.equal((await hub.room('r').history()).head, 0)
      // @ts-expect-error -- the payload does not fit
      assert.throws(() => hub.broadcast('typing', { user: 1 }), { code: 'invalid_payload' })
      await hub.close()
    })
  }

  test('S3: a session is found by its id and can be sent to directly', async () => {
    const { hub, peers, sessions: [, second] } = setUp(3)
    assert.equal(hub.session(second!.id), second)
    assert.equal(hub.session('nobody'), undefined)
    assert.deepEqual([hub.sessionCount, hub.sessions.length], [3, 3])
    assert.equal(second!.send('note', { text: 'psst' }), true)
    assert.deepEqual(peers.map((peer) => peer.received.some(({ type }) => type === 'note')), [false, true, false])
    await hub.close()
  })

  test('S2: close is told once, after the session has left its rooms, with code and reason', async () => {
    const { hub, peers: [peer], sessions: [session] } = setUp(1)
    await session!.join('r')
    const told: unknown[] = []
    hub.onClose((who, code, reason) => void told.push([who.rooms, who.state, code, reason]))
    session!.close(4321, 'enough')
    assert.equal(session!.state, 'closing')
    assert.equal(session!.send('note', { text: 'too late' }), false)
    await peer!.until(() => told.length > 0)
    peer!.connection.closed(1006, 'again')
    assert.deepEqual(told, [[[], 'closed', 4321, 'enough']])
    await hub.close()
  })

  test('T5: codes that must never be sent are refused, long reasons are cut to what a close frame carries', async () => {
    const { hub, peers: [peer], sessions: [session] } = setUp(1)
    for (const code of [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 1.5]) {
      assert.throws(() => session!.close(code), { code: 'invalid_config' }, `${code}`)
    }
    session!.close(1000, 'é'.repeat(100))
    assert.equal(peer!.closedWith?.reason, 'é'.repeat(61))
    await hub.close()
  })

  test('a session may be in only so many rooms', async () => {
    const hub = notesHub(memoryStore(), { maxRoomsPerSession: 3 })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    for (const i of range(1, 4)) peer.say({ type: 'room.join', room: `r${i}`, ref: `${i}` })
    assert.equal(((await peer.next('error', '4')).payload as { code: string }).code, 'too_many_rooms')
    peer.say({ type: 'room.join', room: 'r1', ref: '5' })
    await peer.next('room.joined', '5')
    await hub.close()
  })

  test('S1: a session counts what passed, its share of the native topics too', async () => {
    const { hub, peers: [a, b], sessions: [first, second] } = setUp(2)
    await first!.join('r')
    await hub.room('r').publish('note', { text: 'before' })
    await second!.join('r')
    for (const i of range(1, 10)) await hub.room('r').publish('note', { text: `${i}` })
    b!.say({ type: 'session.ping', ref: '1' })
    for (const [peer, session] of [[a!, first!], [b!, second!]] as const) {
      const frames = peer.frames as string[]
      const { framesOut, messagesOut, bytesOut } = session.metrics
      assert.deepEqual([framesOut, messagesOut], [frames.length, peer.received.length])
      assert.equal(bytesOut, new TextEncoder().encode(frames.join('')).length)
    }
    second!.leave('r')
    assert.equal(second!.metrics.framesOut, b!.frames.length, 'the count outlives the membership')
    assert.deepEqual([second!.metrics.framesIn, second!.metrics.bytesIn], [
      1,
      '{"type":"session.ping","ref":"1"}'.length,
    ])
    await hub.close()
  })
})
