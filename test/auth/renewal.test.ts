import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, type HubOptions, type Identity, RotundaError } from '../../src/mod.ts'
import { Expiries } from '../../src/hub/auth/expiries.ts'
import { Revocations } from '../../src/hub/auth/revocations.ts'
import { FakeExecutor } from '../support/fake_executor.ts'
import { notes } from '../support/test_hub.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'

type Options = Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>>

/** A hub whose tokens are `subject:grant:milliseconds`. */
function tokenHub(options: Options = {}) {
  const read = (token: string): Identity => {
    const [subject, room, lives] = token.split(':')
    if (subject === '') throw new RotundaError('unauthenticated', 'That is no token.')
    return {
      subject: subject!,
      claims: {},
      ...(room ? { grants: { [room]: 'read' } } : {}),
      ...(lives === undefined ? {} : { expiresAt: Date.now() + Number(lives) }),
    }
  }
  const hub = createHub({
    protocol: notes,
    anonymous: true,
    authenticate: {
      authenticate: ({ headers }) => headers.has('authorization') ? read(headers.get('authorization')!) : undefined,
      verify: (token) => Promise.resolve(token).then(read),
    },
    ...options,
  })
  const open = async (token?: string) => {
    const headers = token === undefined ? {} : { authorization: token }
    const admission = await hub.admit(new Request('http://localhost/ws', { headers }))
    const peer = new MemoryPeer(new MemoryHost({ native: false }))
    peer.connection = hub.connect(peer, { subprotocol: undefined, metadata: admission.metadata, admission })
    return peer
  }
  return { hub, open }
}

const join = (room: string, ref: string) => ({ type: 'room.join', room, ref, payload: {} })
const auth = (token: unknown, ref: string) => ({ type: 'session.auth', ref, payload: { token } })
const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code?: string }).code
const until = async (peer: MemoryPeer) => {
  await peer.until(() => peer.closedWith !== undefined)
  return peer.closedWith!
}

describe('session.auth', () => {
  test('X7 makes somebody of an anonymous session, and frames after it are handled as theirs', async () => {
    const { hub, open } = tokenHub()
    const peer = await open()
    peer.say(join('private-a', 'before'))
    peer.say(auth('u:private-a:60000', 'auth'))
    peer.say(join('private-a', 'after'))
    assert.equal(codeOf(await peer.answer('before')), 'forbidden')
    const { kind, payload } = await peer.answer('auth')
    const { subject, expiresIn } = payload as { subject: string; expiresIn: number }
    assert.deepEqual([kind, subject, expiresIn > 50_000 && expiresIn <= 60_000], ['reply', 'u', true])
    assert.equal((await peer.answer('after')).type, 'room.joined')
    await hub.close()
  })

  test('X7 replaces what the token before it granted: rooms that are not granted any more are left', async () => {
    const { hub, open } = tokenHub()
    const peer = await open('u:private-a')
    peer.say(join('private-a', 'join'))
    await peer.answer('join')
    peer.say(auth('u:private-b', 'auth'))
    const left = await peer.next('room.left')
    assert.deepEqual([left.room, codeOf(left)], ['private-a', 'forbidden'])
    await peer.answer('auth')
    peer.say(join('private-b', 'other'))
    assert.equal((await peer.answer('other')).type, 'room.joined')
    await hub.close()
  })

  test('X7 refuses another subject, a bad token and what is none; the session stays what it was', async () => {
    const { hub, open } = tokenHub()
    const peer = await open('u:private-a')
    for (
      const [token, code] of [['v:private-a', 'forbidden'], [':', 'unauthenticated'], [7, 'invalid_payload']] as const
    ) {
      peer.say(auth(token, `${token}`))
      assert.equal(codeOf(await peer.answer(`${token}`)), code)
    }
    peer.say({ type: 'session.auth', ref: 'null', payload: null })
    assert.equal(codeOf(await peer.answer('null')), 'invalid_payload')
    assert.equal(hub.session(peer.connection.id)!.identity?.subject, 'u')
    peer.say(join('private-a', 'join'))
    assert.equal((await peer.answer('join')).type, 'room.joined')
    await hub.close()
  })

  test('X7 is not there where the server takes no tokens in a session', async () => {
    const { hub, open } = tokenHub({ authenticate: () => ({ subject: 'u', claims: {} }) })
    const peer = await open()
    peer.say(auth('u', 'auth'))
    assert.equal(codeOf(await peer.answer('auth')), 'not_found')
    await hub.close()
  })
})

describe('the end of a token', () => {
  test('X7 closes the session with 4401, after saying why', async () => {
    const { hub, open } = tokenHub()
    const peer = await open('u:private-a:300')
    assert.deepEqual(await until(peer), { code: 4401, reason: 'The token has expired.' })
    assert.equal(codeOf(await peer.next('error')), 'unauthenticated')
    await hub.close()
  })

  test('X7 takes what it granted where sessions are to go on, and a new token gives it again', async () => {
    const { hub, open } = tokenHub({ onExpiry: 'downgrade' })
    const peer = await open('u:private-a:1500')
    for (const room of ['private-a', 'open']) {
      peer.say(join(room, room))
      await peer.answer(room)
    }
    assert.equal((await peer.next('room.left')).room, 'private-a')
    assert.equal(codeOf(await peer.next('error')), 'unauthenticated')
    const session = hub.session(peer.connection.id)!
    assert.deepEqual([session.identity, session.rooms, session.state], [undefined, ['open'], 'open'])
    peer.say(auth('v:private-a', 'other'))
    assert.equal(codeOf(await peer.answer('other')), 'forbidden', 'it cannot become somebody else')
    peer.say(auth('u:private-a', 'auth'))
    await peer.answer('auth')
    peer.say(join('private-a', 'again'))
    assert.equal((await peer.answer('again')).type, 'room.joined')
    await hub.close()
  })

  test('X7 is put off by a new token', async () => {
    const { hub, open } = tokenHub()
    const peer = await open('u:private-a:1500')
    const other = await open('w:private-a:1600')
    peer.say(auth('u:private-a:60000', 'auth'))
    await peer.answer('auth')
    await until(other)
    assert.equal(peer.closedWith, undefined)
    await hub.close()
  })

  test('X7 is noticed at the first look after it, for ever so many, by one timer', () => {
    const executor = new FakeExecutor()
    let now = 0
    const ended: number[] = []
    const expiries = new Expiries<{ id: number; identity: { expiresAt?: number } | undefined }>(
      executor,
      () => now,
      ({ id }) => ended.push(id),
    )
    const pass = (milliseconds: number) => {
      now += milliseconds
      executor.advance(milliseconds)
    }
    const sessions = Array.from({ length: 100 }, (_, id) => ({ id, identity: { expiresAt: 1_000 + id * 1_000 } }))
    for (const session of sessions) expiries.watch(session)
    expiries.watch({ id: -1, identity: {} })
    assert.deepEqual([executor.pending, expiries.size], [1, 100])
    pass(999)
    assert.deepEqual(ended, [])
    pass(501)
    assert.deepEqual(ended, [0])
    sessions[1]!.identity = { expiresAt: 50_000 }
    expiries.watch(sessions[1]!)
    expiries.forget(sessions[2]!)
    pass(3_000)
    assert.deepEqual(ended, [0, 3])
    pass(1_000_000)
    assert.deepEqual([ended.length, expiries.size, executor.pending], [99, 0, 0])
  })
})

describe('hub.revoke', () => {
  test('X8 closes all sessions of a subject, and nobody else’s', async () => {
    const { hub, open } = tokenHub()
    const [a, b, other, nobody] = [await open('u:'), await open('u:'), await open('v:'), await open()]
    assert.equal(await hub.revoke('u'), 2)
    for (const peer of [a, b]) assert.equal((await until(peer)).code, 4401)
    assert.deepEqual([other.closedWith, nobody.closedWith], [undefined, undefined])
    await hub.close()
  })

  test('X8 takes identity and grants away where sessions are to go on: live delivery and replay end', async () => {
    const { hub, open } = tokenHub()
    const peer = await open('u:private-a')
    peer.say(join('private-a', 'join'))
    await peer.answer('join')
    await hub.room('private-a').publish('note', { text: 'before' })
    await peer.next('note')
    assert.equal(await hub.revoke(({ subject }) => subject === 'u', { how: 'downgrade' }), 1)
    await hub.room('private-a').publish('note', { text: 'after' })
    peer.say({ type: 'room.join', room: 'private-a', ref: 'replay', payload: { last: 10 } })
    assert.equal(codeOf(await peer.answer('replay')), 'forbidden')
    assert.deepEqual(peer.seqs('private-a'), [1])
    await hub.close()
  })

  test('X8 concerns who is being let in at that moment, too', async () => {
    const { hub } = tokenHub()
    const headers = { authorization: 'u:' }
    const admission = await hub.admit(new Request('http://localhost/ws', { headers }))
    assert.equal(await hub.revoke('u'), 0)
    const peer = new MemoryPeer(new MemoryHost({ native: false }))
    peer.connection = hub.connect(peer, { subprotocol: undefined, metadata: {}, admission })
    assert.equal((await until(peer)).code, 4401)
    await hub.close()
  })

  test('X8 is remembered for as long as a handshake may take, and not for ever', () => {
    let now = 0
    const revocations = new Revocations(() => now)
    const u = { subject: 'u', claims: {} }
    const since = revocations.count
    revocations.add(({ subject }) => subject === 'u')
    assert.equal(revocations.concern(u, since), true)
    assert.equal(revocations.concern(u, revocations.count), false, 'who came after it has proved it again')
    assert.equal(revocations.concern({ subject: 'v', claims: {} }, since), false)
    now = 60_001
    revocations.add(() => false)
    assert.equal(revocations.concern(u, since), false)
  })
})
