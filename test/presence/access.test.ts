import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { createHub, RotundaError } from '../../src/mod.ts'
import { notes } from '../support/test_hub.ts'
import { Scene, type TestClient } from './support.ts'

const codeOf = ({ payload }: { payload: unknown }) => (payload as { code: string }).code

function sessionOf(at: Scene, { peer }: TestClient) {
  return at.hub.session(peer.connection.id)!
}

describe('R4 presence, and who may', () => {
  test('is for who is in the room', async () => {
    const at = new Scene()
    const ana = await at.client('ana', [])
    for (const type of ['presence.set', 'presence.watch']) {
      const answer = await ana.ask(type)
      assert.deepEqual([answer.type, answer.room, codeOf(answer)], ['error', 'r', 'forbidden'])
      assert.match((answer.payload as { message: string }).message, /join it first/)
    }
    for (const type of ['presence.clear', 'presence.unwatch']) {
      assert.deepEqual((await ana.ask(type)).payload, {}, 'as with leaving: nothing is to be done')
    }
    ana.peer.say({ type: 'presence.set', ref: 'roomless', payload: {} })
    assert.equal(codeOf(await ana.peer.next('error', 'roomless')), 'invalid_room')
    assert.equal(at.hub.metrics.presence.rooms, 0)
    await at.hub.close()
  })

  for (const isLate of [false, true]) {
    test(`R3 a policy is asked for seeing and for being seen (answers late: ${isLate})`, async () => {
      const asked: string[] = []
      const at = new Scene({
        authorize: (_who, action, target) => {
          if (action === 'presence') asked.push(target)
          const allowed = action !== 'presence' || target === 'open'
          return isLate ? Promise.resolve(allowed) : allowed
        },
      })
      const ana = await at.client('ana', ['open', 'closed'])
      for (const type of ['presence.set', 'presence.watch']) {
        assert.equal((await ana.ask(type, {}, 'open')).kind, 'reply')
        assert.equal(codeOf(await ana.ask(type, {}, 'closed')), 'forbidden')
      }
      assert.deepEqual(asked, ['open', 'closed', 'open', 'closed'])
      await at.hub.close()
    })
  }

  test('R3 joining a room named presence-… makes present, where presence is allowed', async () => {
    const at = new Scene()
    const [ana, ben, cy] = [await at.client('ana', []), await at.client('ben', []), await at.client('cy', [])]
    sessionOf(at, ana).grant('presence-*', 'read')
    sessionOf(at, ben).grant('presence-*', ['join'])
    for (const client of [ana, ben, cy]) await client.ask('room.join', {}, 'presence-r')
    await sessionOf(at, cy).join('presence-r')
    assert.deepEqual((await at.hub.room('presence-r').presence()).map(({ member }) => member), ['ana', 'cy'])
    assert.equal(codeOf(await ben.ask('presence.set', {}, 'presence-r')), 'forbidden')
    await ana.set('busy', 'presence-r')
    await ana.ask('room.join', {}, 'presence-r')
    assert.equal((await at.hub.room('presence-r').presence())[0]?.state, 'busy', 'joining again says nothing')
    await ana.ask('room.leave', {}, 'presence-r')
    assert.deepEqual((await at.hub.room('presence-r').presence()).map(({ member }) => member), ['cy'])
    await at.hub.close()
  })

  test('a user who comes back to a presence-… room has the state still, before it says it again', async () => {
    const at = new Scene({ authorize: () => true })
    const watcher = await at.client('watcher', ['presence-r'])
    await watcher.ask('presence.watch', {}, 'presence-r')
    const before = await at.client('ana', ['presence-r'])
    await before.set('busy', 'presence-r')
    at.time.advance(50)
    watcher.news()
    before.lose()
    at.time.advance(1_000)
    const after = await at.client('ana', ['presence-r'])
    at.time.advance(1_000)
    await after.set('busy', 'presence-r')
    at.time.advance(10_000)
    assert.deepEqual(watcher.news(), [])
    assert.deepEqual(watcher.view('presence-r'), { ana: 'busy', watcher: null })
    await at.hub.close()
  })

  test('X8 a grant taken back ends seeing and being seen; the reason is told', async () => {
    const at = new Scene()
    const [ana, ben] = [await at.client('ana', []), await at.client('ben', [])]
    for (const client of [ana, ben]) {
      sessionOf(at, client).grant('private-r', ['join'])
      sessionOf(at, client).grant('private-*', ['presence'])
      await client.ask('room.join', {}, 'private-r')
      await client.set(undefined, 'private-r')
      await client.ask('presence.watch', {}, 'private-r')
    }
    at.time.advance(50)
    assert.deepEqual(ben.view('private-r'), { ana: null, ben: null })
    ana.news()
    await sessionOf(at, ana).revoke('private-*')
    at.time.advance(50)
    assert.deepEqual(ben.view('private-r'), { ben: null })
    assert.deepEqual(ana.news(), ['unwatch'])
    const told = await ana.peer.next('presence.unwatch')
    assert.deepEqual([told.room, codeOf(told)], ['private-r', 'forbidden'])
    assert.ok(sessionOf(at, ana).inRoom('private-r'), 'it is still in the room')
    await sessionOf(at, ben).revoke('private-r')
    assert.equal(codeOf(await ben.peer.next('room.left')), 'forbidden')
    assert.deepEqual(await at.hub.room('private-r').presence(), [])
    assert.deepEqual(at.hub.metrics.presence.watchers, 0)
    await at.hub.close()
  })

  test('X8 what is revoked while a policy or a schema is still deciding is revoked all the same', async () => {
    let decide = () => {}
    const schema = z.string().refine(async () => {
      await new Promise<void>((resolve) => decide = resolve)
      return true
    })
    const at = new Scene({ presence: { schema } })
    const ana = await at.client('ana', [])
    sessionOf(at, ana).grant('private-r', ['join'])
    sessionOf(at, ana).grant('private-*', ['presence'])
    await ana.ask('room.join', {}, 'private-r')
    const setting = ana.set('here', 'private-r')
    await new Promise((resolve) => setTimeout(resolve))
    await sessionOf(at, ana).revoke('private-*')
    decide()
    await setting
    await ana.peer.next('presence.unwatch')
    assert.deepEqual(await at.hub.room('private-r').presence(), [])
    await at.hub.close()
  })
})

describe('R4 what members say', () => {
  test('may have 4,096 bytes as JSON, or what the option says', async () => {
    for (const [options, most] of [[{}, 4_096], [{ presence: { maxState: 10 } }, 10]] as const) {
      const at = new Scene(options)
      const ana = await at.client('ana')
      for (const [letter, bytes] of [['x', 1], ['é', 2], ['€', 3]] as const) {
        const fits = letter.repeat(Math.floor((most - 2) / bytes))
        assert.equal((await ana.set(fits)).kind, 'reply')
        const answer = await ana.set(fits + letter)
        assert.equal(codeOf(answer), 'presence_too_big')
        assert.match((answer.payload as { message: string }).message, new RegExp(`\\b${most} bytes`))
        assert.equal((await at.hub.room('r').presence())[0]?.state, fits, 'what was said before stays')
      }
      await at.hub.close()
    }
  })

  test('must be JSON in an object, without keys that pass for prototypes', async () => {
    const at = new Scene()
    const ana = await at.client('ana')
    for (const payload of [null, [], 'state', 5]) {
      assert.equal(codeOf(await ana.ask('presence.set', payload)), 'invalid_payload')
    }
    ana.peer.say({ type: 'presence.set', room: 'r', ref: 'bytes', encoding: 'base64', payload: 'AAAA' })
    assert.equal(codeOf(await ana.peer.next('error', 'bytes')), 'invalid_payload')
    ana.peer.connection.receive(
      '{"type":"presence.set","room":"r","ref":"p","payload":{"state":{"__proto__":{"a":1}}}}',
    )
    assert.equal(codeOf(await ana.peer.next('error', 'p')), 'invalid_frame')
    assert.deepEqual(await at.hub.room('r').presence(), [])
    const odd = { constructor: 1, toString: null, '': [true, 0.5, '\u2028"\\'] }
    await ana.set(odd)
    assert.deepEqual((await at.hub.room('r').presence())[0]?.state, odd)
    await at.hub.close()
  })

  test('is checked by the schema, and shown as that makes it; saying nothing is always allowed', async () => {
    const at = new Scene({ presence: { schema: z.object({ mood: z.string().trim() }) } })
    const ana = await at.client('ana')
    const refused = await ana.set({ mood: 1 })
    assert.equal(codeOf(refused), 'invalid_payload')
    assert.match((refused.payload as { message: string }).message, /mood/)
    assert.deepEqual(await at.hub.room('r').presence(), [])
    await ana.set({ mood: ' fine ', more: 1 })
    assert.deepEqual((await at.hub.room('r').presence())[0]?.state, { mood: 'fine' })
    await ana.set()
    assert.deepEqual((await at.hub.room('r').presence())[0]?.state, { mood: 'fine' })
    await ana.set(null)
    assert.equal((await at.hub.room('r').presence())[0]?.state, null)
    await at.hub.close()
  })
})

describe('R4 who a session is', () => {
  for (
    const [name, member] of [['empty', ''], ['long', 'x'.repeat(129)], ['broken', '\ud800'], ['wrapped', 'a\nb'], [
      'no text',
      7 as unknown as string,
    ]] as const
  ) {
    test(`an identity that is ${name} is the server's fault: reported, and not told`, async () => {
      const errors: unknown[] = []
      const at = new Scene({ presence: { member: () => member }, authorize: () => true })
      at.hub.onError((error) => void errors.push(error))
      const ana = await at.client('ana', ['r', 'presence-r'])
      const answer = await ana.set()
      assert.equal(codeOf(answer), 'internal')
      assert.doesNotMatch(JSON.stringify(answer), /presence\.member/)
      assert.equal(errors.length, 2, 'for joining presence-r and for the request')
      for (const error of errors) assert.match(String(error), /presence\.member gave .* must be 1 to 128 printable/)
      assert.deepEqual(await at.hub.room('presence-r').presence(), [])
      await at.hub.close()
    })
  }

  test('is asked once a session; names that mean something in JavaScript are names', async () => {
    let asked = 0
    const at = new Scene({
      presence: {
        member: ({ metadata }: { metadata: Record<string, unknown> }) => (asked += 1, metadata['user'] as string),
      },
    })
    for (const user of ['__proto__', 'constructor', 'toString']) {
      const client = await at.client(user)
      await client.set(user)
      await client.set(user)
    }
    assert.equal(asked, 3)
    const watcher = await at.client('watcher')
    await watcher.ask('presence.watch')
    at.time.advance(50)
    assert.deepEqual(watcher.news(), ['state __proto__ constructor toString'])
    await at.hub.close()
  })

  test('may be refused by the application with an error of its own', async () => {
    const at = new Scene({
      presence: {
        member: () => {
          throw new RotundaError('unauthenticated', 'Log in to be seen.')
        },
      },
    })
    const ana = await at.client('ana')
    assert.deepEqual((await ana.set()).payload, {
      code: 'unauthenticated',
      message: 'Log in to be seen.',
      retryable: false,
    })
    await at.hub.close()
  })
})

describe('I5 bounds of presence', () => {
  test('beyond maxMembers who is away makes way, then it is refused as retryable', async () => {
    const at = new Scene({ presence: { maxMembers: 3 } })
    const clients = [await at.client('a'), await at.client('b'), await at.client('c')]
    for (const client of clients) await client.set()
    clients[1]!.lose()
    clients[0]!.lose()
    const [d, e, f] = [await at.client('d'), await at.client('e'), await at.client('f')]
    await d.set()
    assert.deepEqual((await at.hub.room('r').presence()).map(({ member }) => member), ['a', 'c', 'd'])
    await e.set()
    const { payload } = await f.set()
    assert.deepEqual(payload, {
      code: 'overloaded',
      message: 'There are 3 members present here already.',
      retryable: true,
    })
    await e.ask('presence.clear')
    assert.equal((await f.set()).kind, 'reply')
    assert.equal(at.hub.metrics.presence.members, 3)
    await at.hub.close()
  })

  for (
    const [presence, message] of [
      [{ grace: -1 }, /presence\.grace is "-1"; it must be a number of seconds from 0 to 3600/],
      [{ maxState: 1.5 }, /presence\.maxState/],
      [{ maxMembers: 0 }, /presence\.maxMembers/],
      [{ lease: Infinity }, /presence\.lease/],
      [{ member: 'id' }, /presence\.member must be a function/],
      [{ schema: {} }, /presence\.schema must be a Standard Schema/],
    ] as const
  ) {
    test(`${JSON.stringify(presence)} is refused at start`, () => {
      assert.throws(
        () => createHub({ protocol: notes, presence: presence as never }),
        (error) => error instanceof RotundaError && error.code === 'invalid_config' && message.test(error.message),
      )
    })
  }
})

test('a request about presence can be replaced, and what is built in used', async () => {
  const at = new Scene()
  at.hub.override('presence.watch', async (ctx, _payload, next) => {
    if (ctx.session.metadata['user'] !== 'boss') throw new RotundaError('forbidden', 'Only the boss watches.')
    await next()
  })
  const [ana, boss] = [await at.client('ana'), await at.client('boss')]
  await ana.set(1)
  at.time.advance(50)
  assert.equal(codeOf(await ana.ask('presence.watch')), 'forbidden')
  assert.equal((await boss.ask('presence.watch')).kind, 'reply')
  assert.deepEqual(boss.view(), { ana: 1 })
  await at.hub.close()
})
