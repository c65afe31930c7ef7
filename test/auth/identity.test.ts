import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Admission, checkIdentity, createHub, type HubOptions, type Identity, RotundaError } from '../../src/mod.ts'
import { Grants } from '../../src/hub/grants.ts'
import { notes } from '../support/test_hub.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'

type Options = Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>>

const USER: Identity = { subject: 'user-1', claims: { plan: 'pro' }, grants: { 'private-team-*': ['read', 'write'] } }

function setUp(options: Options = {}) {
  const hub = createHub({ protocol: notes, authenticate: () => USER, ...options })
  const open = async (headers: Record<string, string> = {}) => {
    const admission = await hub.admit(new Request('http://localhost/ws', { headers }))
    const peer = new MemoryPeer(new MemoryHost({ native: false }))
    peer.connection = hub.connect(peer, {
      subprotocol: 'rotunda.v1.json',
      metadata: admission.metadata,
      admission,
    })
    return { peer, session: hub.session(peer.connection.id)! }
  }
  return { hub, open }
}

const join = (room: string, ref: string) => ({ type: 'room.join', room, ref, payload: {} })
const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code?: string }).code

describe('an identity', () => {
  test('X7 is the session’s, is given to metadata and to policies, and grants what it says', async () => {
    const seen: unknown[] = []
    const { hub, open } = setUp({
      metadata: (_, identity) => ({ name: identity?.subject }),
      authorize: ({ identity, session }, action) => {
        seen.push([identity?.subject, session?.identity?.claims['plan'], action])
        return undefined
      },
    })
    const { peer, session } = await open()
    assert.deepEqual(session.identity, USER)
    assert.deepEqual(session.metadata, { name: 'user-1' })
    const welcome = await peer.next('session.welcome')
    assert.deepEqual((welcome.payload as { identity: unknown }).identity, { subject: 'user-1', expiresIn: null })
    peer.say(join('private-team-1', 'a'))
    peer.say(join('private-other', 'b'))
    assert.equal((await peer.answer('a')).type, 'room.joined')
    assert.equal(codeOf(await peer.answer('b')), 'forbidden')
    assert.deepEqual(seen[0], ['user-1', 'pro', 'join'])
    assert.deepEqual(session.grants.all['private-team-*'], ['join', 'replay', 'history', 'presence', 'publish'])
    await hub.close()
  })

  test('X7 what is granted with it can be taken back for the session, and the application’s own grants stay', async () => {
    const { hub, open } = setUp()
    const { peer, session } = await open()
    session.grant('private-own', 'read')
    for (const room of ['private-team-1', 'private-own']) {
      peer.say(join(room, room))
      assert.equal((await peer.answer(room)).type, 'room.joined')
    }
    await session.revoke('private-team-*')
    assert.equal(codeOf(await peer.next('room.left')), 'forbidden')
    assert.deepEqual(session.rooms, ['private-own'])
    await hub.close()
  })

  test('X7 whom authenticate does not know is refused, unless anonymous ones may come', async () => {
    const strict = setUp({ authenticate: () => undefined })
    await assert.rejects(strict.open(), { code: 'unauthenticated', message: /does not say who asks/ })
    const open = setUp({ authenticate: () => undefined, anonymous: true })
    const { session } = await open.open()
    assert.equal(session.identity, undefined)
    assert.throws(() => createHub({ protocol: notes, anonymous: false }), { code: 'invalid_config' })
    assert.throws(() => createHub({ protocol: notes, onExpiry: 'later' as 'close' }), { code: 'invalid_config' })
    assert.throws(() => createHub({ protocol: notes, authenticate: {} as () => undefined }), { code: 'invalid_config' })
    await Promise.all([strict.hub.close(), open.hub.close()])
  })

  test('X7 what authenticate throws refuses: a RotundaError as it is, anything else as internal', async () => {
    const own = setUp({
      authenticate: () => {
        throw new RotundaError('forbidden', 'You are banned.')
      },
    })
    await assert.rejects(own.open(), { code: 'forbidden', message: 'You are banned.' })
    const late = setUp({ authenticate: () => Promise.reject(new TypeError('no database')) })
    await assert.rejects(late.open(), TypeError)
    await Promise.all([own.hub.close(), late.hub.close()])
  })

  test('X8 that has ended is refused whatever it asks for, before anybody has noticed otherwise', async () => {
    const { hub } = setUp()
    const at = (expiresAt: number) => {
      const identity = { ...USER, expiresAt }
      return new Admission({}, { identity, address: undefined, since: 0 })
    }
    await hub.reader.check(at(Date.now() + 60_000), 'private-team-1', {})
    for (const room of ['private-team-1', 'open']) {
      assert.throws(() => hub.reader.check(at(Date.now()), room, {}), { code: 'unauthenticated', message: /expired/ })
    }
    await hub.close()
  })

  const now = 1_000_000
  const bad: [name: string, identity: unknown, says: RegExp][] = [
    ['nothing', null, /subject/],
    ['no subject', { claims: {} }, /subject/],
    ['an empty subject', { subject: '' }, /subject/],
    ['a subject that is too long', { subject: 's'.repeat(257) }, /subject/],
    ['a subject of another kind', { subject: 7 }, /subject/],
    ['claims that are none', { subject: 'u', claims: [] }, /claims/],
    ['an expiry that is none', { subject: 'u', expiresAt: NaN }, /expiry/],
    ['an expiry that is past', { subject: 'u', expiresAt: now }, /expired/],
    ['grants that are a list', { subject: 'u', grants: ['secret-room'] }, /grants/],
    ['a grant of something unknown', { subject: 'u', grants: { 'secret-room': 'admin' } }, /not known/],
    ['a grant of another kind', { subject: 'u', grants: { 'secret-room': 7 } }, /not known/],
    ['a grant of a pattern that is none', { subject: 'u', grants: { 'secret-*-room': 'read' } }, /no room/],
    ['a grant of nothing', { subject: 'u', grants: { 'secret-room': [] } }, /allows nothing/],
    [
      'grants that contradict',
      { subject: 'u', grants: { 'secret-*': ['read', 'write'], 'secret-room': 'read' } },
      /contr/,
    ],
    ['too many grants', {
      subject: 'u',
      grants: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`r${i}`, 'read'])),
    }, /256/],
    ['quotas that are none', { subject: 'u', quotas: 'secret-room' }, /quotas/],
    [
      'a quota of an unknown metric',
      { subject: 'u', quotas: [{ metric: 'secret-room', window: 1, limit: 1 }] },
      /quotas/,
    ],
  ]
  for (const [name, identity, says] of bad) {
    test(`with ${name} lets nobody in, and is not quoted`, () => {
      assert.throws(() => checkIdentity(identity, now), (error: RotundaError) => {
        assert.deepEqual([error.code, says.test(error.message)], ['unauthenticated', true], error.message)
        assert.ok(!error.message.includes('secret-room'), error.message)
        return true
      })
    })
  }

  test('with a quota of bytes in which no frame of the largest size could ever pass lets nobody in', async () => {
    const rule = (limit: number) => ({ subject: 'u', claims: {}, quotas: [{ metric: 'bytesIn', window: 1, limit }] })
    const identity = { now: rule(0) }
    const hub = createHub({
      protocol: notes,
      limits: { maxMessageSize: 1_000 },
      authenticate: { authenticate: () => identity.now as Identity, verify: () => identity.now as Identity },
    })
    const request = new Request('http://host.example/ws')
    identity.now = rule(1_000)
    assert.deepEqual((await hub.admit(request)).identity, rule(1_000))
    identity.now = rule(999)
    assert.throws(() => hub.admit(request), { code: 'unauthenticated', message: /too small/ })
    await hub.close()
  })

  test('may name a room and all rooms that begin like it, where the one adds to the other', () => {
    const grants = { 'private-*': 'read', 'private-team-1': 'write', 'private-team-2': 'read' } as const
    assert.deepEqual(checkIdentity({ subject: 'u', claims: {}, grants }, now).grants, grants)
  })

  test('a new one brings nothing back that was taken from the session', () => {
    const grants = new Grants()
    grants.issue({ 'private-a': 'read', 'private-b': 'read' })
    grants.remove('private-a')
    grants.issue({ 'private-a': 'read', 'private-b': 'read' })
    assert.deepEqual([grants.allow('join', 'private-a'), grants.allow('join', 'private-b')], [false, true])
    grants.remove()
    grants.issue({ 'private-b': 'read' })
    assert.equal(grants.allow('join', 'private-b'), false)
    grants.add('private-a', 'read')
    assert.equal(grants.allow('join', 'private-a'), true)
  })
})

describe('quotas of an identity', () => {
  const outcome = async (peer: MemoryPeer, ref: string) => {
    peer.say({ type: 'note', room: 'r', ref, payload: { text: ref } })
    const answer = await peer.answer(ref)
    return answer.type === 'ack' ? 'ack' : codeOf(answer)
  }

  test('M4 are that session’s alone, beside those of the hub, and a new token does not fill them again', async () => {
    const quotas = [{ metric: 'messages', window: 60, limit: 2, types: ['note'] }] as const
    const identities: Record<string, Identity> = {
      few: { subject: 'few', claims: {}, quotas },
      many: { subject: 'many', claims: {} },
      more: { subject: 'few', claims: {}, quotas: [{ ...quotas[0], limit: 4 }] },
    }
    const { hub, open } = setUp({
      authenticate: {
        authenticate: ({ headers }) => identities[headers.get('authorization')!],
        verify: (token) => identities[token]!,
      },
    })
    const { peer: few } = await open({ authorization: 'few' })
    const { peer: many } = await open({ authorization: 'many' })
    assert.deepEqual([await outcome(few, '1'), await outcome(few, '2'), await outcome(few, '3')], [
      'ack',
      'ack',
      'quota_exceeded',
    ])
    for (const ref of ['1', '2', '3']) assert.equal(await outcome(many, ref), 'ack')
    few.say({ type: 'session.auth', ref: 'same', payload: { token: 'few' } })
    assert.equal((await few.answer('same')).type, 'session.auth')
    assert.equal(await outcome(few, '4'), 'quota_exceeded')
    few.say({ type: 'session.auth', ref: 'more', payload: { token: 'more' } })
    assert.equal((await few.answer('more')).type, 'session.auth')
    assert.equal(await outcome(few, '5'), 'ack')
    await hub.close()
  })
})
