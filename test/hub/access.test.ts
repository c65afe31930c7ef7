import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { answerHistory, createHub, type HubOptions, memoryStore, RotundaError, type Session } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes, type NotesHub } from '../support/test_hub.ts'

type Options = Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>>

function setUp(options: Options) {
  const hub: NotesHub = createHub({ protocol: notes, ...options })
  const host = new MemoryHost({ native: true })
  const sessions: Session<typeof notes.definitions, Record<string, unknown>>[] = []
  hub.onOpen((session) => void sessions.push(session))
  const peer = connectPeer(hub, host)
  return { hub, host, peer, session: sessions[0]! }
}

/** Resolves when the store is being asked. */
async function reading(store: ControlledStore): Promise<void> {
  while (store.reads === 0) await new Promise((resolve) => setTimeout(resolve))
}

const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code: string }).code

describe('policies', () => {
  test('R3 a policy is asked with the session, the action and the room, for everything a client does', async () => {
    const asked: string[] = []
    const { hub, peer, session } = setUp({
      authorize: (who, action, target) => {
        assert.equal(who.session, session)
        asked.push(`${action} ${target}`)
        return true
      },
    })
    peer.say({ type: 'room.join', room: 'private-r', ref: '1', payload: { last: 1 } })
    await peer.next('room.joined', '1')
    peer.say({ ...note('a', { ref: '2' }), room: 'private-r' })
    await peer.next('ack', '2')
    peer.say({ type: 'typing', room: 'private-r', ref: '3', payload: { user: 'u' } })
    await peer.next('ack', '3')
    peer.say({ type: 'room.history', room: 'private-r', ref: '4', payload: {} })
    await peer.next('room.history', '4')
    peer.say({ type: 'typing', to: session.id, ref: '5', payload: { user: 'u' } })
    await peer.next('ack', '5')
    peer.say({ type: 'typing', to: '*', ref: '6', payload: { user: 'u' } })
    await peer.next('ack', '6')
    assert.deepEqual(asked, [
      'join private-r',
      'replay private-r',
      'publish private-r',
      'publish private-r',
      'history private-r',
      `send ${session.id}`,
      'broadcast *',
    ])
    await hub.close()
  })

  test('a policy that refuses with an error of its own is answered with that error', async () => {
    const { hub, peer } = setUp({
      authorize: () => {
        throw new RotundaError('unauthenticated', 'Log in first.')
      },
    })
    peer.say(note('a', { ref: '1' }))
    const answer = await peer.next('error', '1')
    assert.deepEqual(answer.payload, { code: 'unauthenticated', message: 'Log in first.', retryable: false })
    await hub.close()
  })

  test('a policy that fails refuses, tells the application and not the client', async () => {
    let fails = false
    const errors: unknown[] = []
    const { hub, peer, session } = setUp({
      authorize: () => {
        if (fails) throw new TypeError('the database of users is down')
        return true
      },
    })
    hub.onError((error) => void errors.push(error))
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    await peer.next('room.joined', '1')
    fails = true
    peer.say(note('a', { ref: '2' }))
    assert.doesNotMatch(JSON.stringify((await peer.next('error', '2')).payload), /users/)
    await session.reauthorize()
    assert.equal(session.inRoom('r'), false, 'nobody stays by mistake')
    assert.doesNotMatch(JSON.stringify((await peer.next('room.left')).payload), /users/)
    assert.equal(errors.length, 2)
    await hub.close()
  })

  for (const isLate of [false, true]) {
    const when = isLate ? 'later' : 'at once'
    test(`X8 a grant taken back while a join waits for the store ends that join (policy answers ${when})`, async () => {
      const store = new ControlledStore(memoryStore())
      const { hub, peer, session } = setUp({
        store,
        authorize: (who, action, room) => {
          const allowed = who.grants.allow(action, room)
          return isLate ? Promise.resolve(allowed) : allowed
        },
      })
      session.grant('r', 'read')
      store.holdAnswers()
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
      await reading(store)
      await session.revoke('r')
      store.releaseAnswers()
      assert.equal(codeOf(await peer.answer('1')), 'forbidden')
      assert.equal(session.inRoom('r'), false)
      await hub.room('r').publish('note', { text: 'secret' })
      peer.say({ type: 'session.ping', ref: '2' })
      await peer.next('session.pong', '2')
      assert.ok(!peer.received.some(({ type }) => type === 'note'))
      await hub.close()
    })
  }

  for (const isLate of [false, true]) {
    const when = isLate ? 'later' : 'at once'
    test(`X8 who loses replay alone while a join waits for the store gets no past (policy answers ${when})`, async () => {
      const store = new ControlledStore(memoryStore())
      const may = { replay: true }
      const { hub, peer, session } = setUp({
        store,
        authorize: (_, action) => {
          const allowed = action === 'join' || may.replay
          return isLate ? Promise.resolve(allowed) : allowed
        },
      })
      await hub.room('r').publish('note', { text: 'secret' })
      store.holdAnswers()
      peer.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 10 } })
      await reading(store)
      may.replay = false
      await session.reauthorize()
      store.releaseAnswers()
      assert.equal(codeOf(await peer.answer('1')), 'forbidden')
      assert.deepEqual([session.inRoom('r'), peer.seqs('r'), hub.rooms], [false, [], []])
      await hub.close()
    })
  }

  test('a policy that takes permissions back whenever it is asked does not go on for ever', async () => {
    const { hub, peer } = setUp({
      authorize: async (who) => {
        await Promise.resolve()
        await who.session!.revoke()
        return true
      },
    })
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    assert.equal(codeOf(await peer.answer('1')), 'overloaded')
    await hub.close()
  })

  test('a policy may give a query that runs when it is awaited', async () => {
    const query = (allowed: boolean): PromiseLike<boolean> => ({
      then: (resolve, reject) => Promise.resolve(allowed).then(resolve, reject),
    })
    const { hub, peer } = setUp({ authorize: (_, __, room) => query(room !== 'closed') })
    peer.say({ type: 'room.join', room: 'private-r', ref: '1', payload: {} })
    assert.equal((await peer.answer('1')).type, 'room.joined')
    peer.say({ type: 'room.join', room: 'closed', ref: '2', payload: {} })
    assert.equal(codeOf(await peer.answer('2')), 'forbidden')
    await hub.close()
  })

  test('what fills a hole over HTTP needs the permission to replay, as it does in a session', async () => {
    const { hub } = setUp({ authorize: (_, action) => action !== 'replay' })
    const get = async (query: string) => {
      const request = new Request(`http://localhost/rooms/r/history${query}`)
      return (await answerHistory(hub, request, () => 'r')).status
    }
    assert.deepEqual([await get(''), await get('?limit=10'), await get('?after=0')], [200, 200, 403])
    await hub.close()
  })

  test('X8 who is reading the log when the grant is taken back gets no more of it', async () => {
    const store = new ControlledStore(memoryStore())
    const { hub, peer, session } = setUp({ store })
    for (let i = 0; i < 10; i++) await hub.room('private-r').publish('note', { text: `${i}` })
    session.grant('private-r', 'read')
    store.holdAnswers()
    peer.say({ type: 'room.join', room: 'private-r', ref: '1', payload: { since: { epoch: hub.epoch, seq: 0 } } })
    await reading(store)
    store.releaseAnswers()
    await peer.next('room.joined', '1')
    await session.revoke()
    const before = peer.received.filter(({ type }) => type === 'note').length
    await peer.next('room.left')
    await hub.room('private-r').publish('note', { text: 'secret' })
    assert.equal(peer.received.filter(({ type }) => type === 'note').length, before)
    await hub.close()
  })

  for (const isLate of [false, true]) {
    const when = isLate ? 'later' : 'at once'
    test(`who comes back and may not replay is let in from now on, and told of the gap (policy answers ${when})`, async () => {
      const { hub, peer } = setUp({
        authorize: (_who, action) => isLate ? Promise.resolve(action !== 'replay') : action !== 'replay',
      })
      for (let i = 0; i < 5; i++) await hub.room('r').publish('note', { text: `${i}` })
      const { epoch } = hub
      const join = (ref: string, seq: number) => {
        peer.say({ type: 'room.join', room: 'r', ref, payload: { since: { epoch, seq } } })
        return peer.next('room.joined', ref)
      }
      assert.deepEqual((await join('1', 2)).payload, { head: 5, epoch, cursor: 5 })
      const message = 'What came before 6 may not be read.'
      const missed = { from: 3, to: 5 }
      assert.deepEqual((await peer.next('room.gap')).payload, { code: 'forbidden', message, missed, cursor: 5, epoch })
      await hub.room('r').publish('note', { text: 'now' })
      assert.equal((await peer.next('note')).seq, 6)
      await join('2', 6)
      peer.say({ type: 'room.history', room: 'r', ref: '3', payload: { after: 2 } })
      assert.equal(codeOf(await peer.next('error', '3')), 'forbidden')
      assert.equal(peer.received.filter(({ type }) => type === 'room.gap').length, 1)
      await hub.close()
    })
  }

  test('grants add up by pattern, are listed, and name what is wrong with them', async () => {
    const { hub, session } = setUp({})
    session.grant('team-*', 'write')
    session.grant('team-*', 'join')
    session.grant('news', ['history', 'presence'])
    assert.deepEqual(session.grants.all, { 'team-*': ['publish', 'join'], news: ['history', 'presence'] })
    for (const pattern of ['', 'a*b', 'x'.repeat(200), 7]) {
      assert.throws(() => session.grant(pattern as string, 'read'), { code: 'invalid_config', message: /a room, or/ })
    }
    for (const allowance of ['fly', ['join', 'fly'], undefined]) {
      assert.throws(() => session.grant('r', allowance as 'read'), { code: 'invalid_config', message: /not known/ })
    }
    await hub.close()
  })

  test('what the application does by itself is not asked for', async () => {
    const { hub, session } = setUp({ authorize: () => false })
    await session.join('private-r')
    assert.equal((await hub.room('private-r').publish('note', { text: 'a' })).seq, 1)
    assert.equal((await hub.room('private-r').history()).messages.length, 1)
    await hub.close()
  })
})
