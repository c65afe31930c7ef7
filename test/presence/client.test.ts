import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { createClient, type RotundaError } from '../../src/client/mod.ts'
import { Presence, presence } from '../../src/client/presence/mod.ts'
import type { Envelope } from '../../src/protocol/mod.ts'
import { fakeWebSocket } from '../support/fake_socket.ts'
import { notes } from '../support/test_hub.ts'
import { type FixtureClient, type HubFixture, withHub } from '../support/with_hub.ts'

interface Mood {
  readonly mood: string
}

/** Resolves when a presence's members satisfy a test. */
function when<S>(people: Presence<S>, fits: (names: string[]) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!people.isSynced || !fits([...people.members.keys()].sort())) return
      off()
      resolve()
    }
    const off = people.onChange(look)
    look()
  })
}

const are = (...names: string[]) => (members: string[]) => members.join() === names.join()

/** A hub whose sessions are the users that their clients' URLs name. */
function withUsers(
  test: (fixture: HubFixture, enter: (user: string) => FixtureClient) => Promise<void>,
): Promise<void> {
  return withHub({
    metadata: (request) => ({ user: new URL(request.url).searchParams.get('user') }),
    presence: { member: ({ metadata }) => (metadata as { user: string }).user, grace: 0.3 },
    authorize: () => true,
  }, (fixture) => test(fixture, (user) => fixture.connect({ url: `${fixture.url}?user=${user}` })))
}

/** Everything a presence tells, in order. */
function listen<S>(people: Presence<S>): string[] {
  const told: string[] = []
  people.onSync((members) => told.push(`sync ${[...members.keys()].sort().join(' ')}`.trim()))
  people.onJoin(({ member, state }) => told.push(`join ${member} ${JSON.stringify(state)}`))
  people.onLeave(({ member, state }) => told.push(`leave ${member} ${JSON.stringify(state)}`))
  people.onUpdate(({ member, state }, before) => {
    told.push(`update ${member} ${JSON.stringify(before.state)} ${JSON.stringify(state)}`)
  })
  return told
}

describe('C1 presence in the client', () => {
  test('shows who is here, tells what changes, and is one object for one room', () =>
    withUsers(async (_, enter) => {
      const ana = presence<Mood>(enter('ana').join('r'), { state: { mood: 'fine' } })
      await when(ana, are('ana'))
      const room = enter('ben').join('r')
      const ben = presence<Mood>(room)
      const told = listen(ben)
      await when(ben, are('ana'))
      assert.equal(presence(room), ben)
      const { state, since } = ben.members.get('ana')!
      assert.deepEqual(state, { mood: 'fine' })
      assert.ok(Math.abs(since - Date.now()) < 60_000)
      assert.deepEqual([ana.self, ben.self], ['ana', undefined])
      await ben.set({ mood: 'odd' })
      await when(ben, are('ana', 'ben'))
      await when(ana, are('ana', 'ben'))
      assert.equal(ben.self, 'ben')
      const updated = new Promise((resolve) => ben.onUpdate(resolve))
      await ana.set({ mood: 'tired' })
      await updated
      await ana.clear()
      await when(ben, are('ben'))
      assert.deepEqual(told, [
        'sync ana',
        'join ben {"mood":"odd"}',
        'update ana {"mood":"fine"} {"mood":"tired"}',
        'leave ana {"mood":"tired"}',
      ])
    }))

  test('may be seen without looking, and look without being seen', () =>
    withUsers(async (_, enter) => {
      const seen = presence(enter('ana').join('r'), { state: null, watch: false })
      const looks = presence(enter('ben').join('r'))
      await when(looks, are('ana'))
      assert.deepEqual([seen.members.size, seen.isSynced, seen.self], [0, false, 'ana'])
      assert.equal(looks.members.get('ana')!.state, null)
    }))

  test('C2 comes back by itself: set again, in step again, and told is what changed meanwhile and nothing else', () =>
    withUsers(async ({ hub }, enter) => {
      const client = enter('ana')
      const ana = presence<number>(client.join('r'), { state: 1 })
      const told = listen(ana)
      const others = ['ben', 'cy', 'dan'].map((user) => presence<number>(enter(user).join('r'), { state: 1 }))
      await when(ana, are('ana', 'ben', 'cy', 'dan'))
      const watcher = presence(enter('watcher').join('r'))
      const seen = listen(watcher)
      await when(watcher, are('ana', 'ben', 'cy', 'dan'))
      told.length = seen.length = 0
      const synced = new Promise((resolve) => ana.onSync(resolve))
      const closed = new Promise((resolve) => client.onClose(resolve))
      hub.sessions.find(({ metadata }) => (metadata as { user: string }).user === 'ana')!.close(1012)
      await closed
      assert.equal(ana.isSynced, false)
      assert.deepEqual([...ana.members.keys()].sort(), ['ana', 'ben', 'cy', 'dan'], 'still shown while offline')
      await Promise.all([others[0]!.set(2), others[1]!.clear()])
      await synced
      await when(ana, are('ana', 'ben', 'dan'))
      assert.deepEqual(told.sort(), ['leave cy 1', 'sync ana ben dan', 'update ben 1 2'])
      await new Promise((resolve) => setTimeout(resolve, 400))
      assert.deepEqual(seen.sort(), ['leave cy 1', 'update ben 1 2'], 'ana was never away')
    }))

  test('leaving ends it: others are told, nothing is told any more, and set is refused', () =>
    withUsers(async (_, enter) => {
      const [one, two] = [enter('ana').join('r'), enter('ben').join('r')]
      const watcher = presence(enter('watcher').join('r'))
      const [ana, ben] = [presence(one, { state: 1 }), presence(two, { state: 1 })]
      await when(watcher, are('ana', 'ben'))
      await when(ana, are('ana', 'ben'))
      ana.leave()
      two.leave()
      await when(watcher, are())
      for (const left of [ana, ben]) {
        assert.deepEqual([left.members.size, left.isSynced], [0, false])
        await assert.rejects(left.set(2), { code: 'closed' })
        await assert.rejects(left.clear(), { code: 'closed' })
      }
      const again = presence(one, { state: 2 })
      assert.notEqual(again, ana)
      await when(again, are('ana'))
      await when(watcher, are('ana'))
      assert.equal(watcher.members.get('ana')!.state, 2)
    }))

  test('what the server refuses rejects the call, and what was accepted before is kept', () =>
    withUsers(async (_, enter) => {
      const client = enter('ana')
      const room = client.join('r')
      const errors: RotundaError[] = []
      room.onError((error) => errors.push(error))
      const ana = presence<unknown>(room, { state: 'small' })
      await when(ana, are('ana'))
      await assert.rejects(ana.set('x'.repeat(5_000)), { code: 'presence_too_big' })
      await assert.rejects(ana.set(1n), { code: 'invalid_payload' })
      await assert.rejects(ana.set('x'.repeat(70_000)), { code: 'message_too_big' })
      const synced = new Promise((resolve) => ana.onSync(resolve))
      client.close()
      client.connect()
      await synced
      assert.equal(ana.members.get('ana')!.state, 'small')
      assert.deepEqual(errors, [])
      await ana.set('fits')
    }))

  test('presence that is revoked empties the list and is told, and so is being taken out of the room', () =>
    withUsers(async ({ hub }, enter) => {
      const [one, two] = [enter('ana').join('r'), enter('ben').join('r')]
      const [ana, ben] = [presence(one, { state: 1 }), presence(two, { state: 1 })]
      await when(ana, are('ana', 'ben'))
      await when(ben, are('ana', 'ben'))
      const told = listen(ben)
      hub.sessions.find(({ metadata }) => (metadata as { user: string }).user === 'ben')!.leave('r')
      await new Promise((resolve) => two.onRemoved(resolve))
      assert.deepEqual([ben.members.size, ben.isSynced], [0, false])
      assert.deepEqual(told.sort(), ['leave ana 1', 'leave ben 1'])
      await when(ana, are('ana'))
    }))
})

/** A client at the other end of whose connection stands the test. */
function atTheWire<S>(options: Parameters<typeof presence<S>>[1] = {}) {
  const { WebSocket, sockets } = fakeWebSocket()
  const client = createClient({ url: 'ws://x/ws', protocol: notes, WebSocket, backoff: { base: 0, max: 0 } })
  const errors: string[] = []
  client.onError((error) => errors.push(error.code))
  const room = client.join('r')
  const people = presence<S>(room, options)
  const socket = () => sockets.at(-1)!
  const sent = async () => {
    await Promise.resolve()
    return socket().envelopes.filter(({ type }) => type.startsWith('presence.'))
  }
  const answer = async (type: string, index: number, payload: unknown = {}) => {
    const { ref } = (await sent()).filter((envelope) => envelope.type === type)[index]!
    socket().receive({ type, kind: 'reply', room: 'r', ref: ref!, payload })
  }
  const join = async () => {
    socket().welcome()
    await Promise.resolve()
    const { ref } = socket().find('room.join')!
    socket().receive({ type: 'room.joined', room: 'r', ref: ref!, payload: { head: 0, epoch: 'e', cursor: 0 } })
  }
  const tell = (type: string, payload: unknown) => {
    socket().receive({ type: `presence.${type}`, room: 'r', payload } as Envelope)
  }
  return { client, room, people, errors, socket, sent, answer, join, tell }
}

const member = (name: string, state: unknown = null) => ({ member: name, state, since: 1 })

describe('presence on the wire', () => {
  test('says first who we are, then asks who is here', async () => {
    const { join, sent, client } = atTheWire({ state: 1 })
    await join()
    const frames = await sent()
    assert.deepEqual(frames.map(({ type, room, payload }) => ({ type, room, payload })), [
      { type: 'presence.set', room: 'r', payload: { state: 1 } },
      { type: 'presence.watch', room: 'r', payload: {} },
    ])
    client.close()
  })

  test('while an answer is waited for, of many states only the last is sent; all calls resolve', async () => {
    const { join, sent, answer, people, client } = atTheWire<number>({ watch: false })
    await join()
    const calls = [1, 2, 3, 4].map((state) => people.set(state))
    const states = async () => (await sent()).map(({ payload }) => (payload as { state: number }).state)
    assert.deepEqual(await states(), [1])
    await answer('presence.set', 0, { member: 'me' })
    await calls[0]
    assert.deepEqual(await states(), [1, 4])
    await answer('presence.set', 1, { member: 'me' })
    await Promise.all(calls)
    client.close()
  })

  test('C2 what was not answered is sent on the next connection, and its caller goes on waiting', async () => {
    const { join, sent, answer, people, client, socket } = atTheWire<number>({ watch: false })
    await join()
    const setting = people.set(7)
    await sent()
    const first = socket()
    first.onclose?.({ code: 1006, reason: '' })
    while (socket() === first) await new Promise((resolve) => setTimeout(resolve))
    await join()
    assert.deepEqual((await sent()).map(({ payload }) => payload), [{ state: 7 }])
    await answer('presence.set', 0, { member: 'me' })
    await setting
    assert.equal(people.self, 'me')
    client.close()
  })

  test('pages may come again, in any order, and count when the last is there', async () => {
    const { join, answer, tell, people, client } = atTheWire()
    const told = listen(people)
    await join()
    await answer('presence.watch', 0)
    tell('state', { version: 3, page: 0, members: [member('a'), member('b')], more: true })
    tell('state', { version: 3, page: 4, members: [member('c')], more: true })
    tell('state', { version: 5, page: 0, members: [member('a', 1)], more: true })
    assert.deepEqual([people.isSynced, people.members.size], [false, 0])
    tell('state', { version: 6, page: 2, members: [], more: false })
    assert.deepEqual([...people.members.values()], [member('a', 1), member('c')])
    tell('leave', { version: 7, members: ['c'] })
    tell('join', { version: 8, members: [member('d'), member('e')] })
    tell('update', { version: 9, members: [member('a', 2)] })
    // Too slow for changes: everything anew.
    tell('state', { version: 20, page: 0, members: [member('a', 2)], more: true })
    tell('state', { version: 20, page: 1, members: [member('f')], more: false })
    tell('join', { version: 21, members: [member('g')] })
    assert.deepEqual(told, [
      'sync a c',
      'leave c null',
      'join d null',
      'join e null',
      'update a 1 2',
      'leave d null',
      'leave e null',
      'join f null',
      'sync a f',
      'join g null',
    ])
    client.close()
  })

  test('where a change is missing it asks for everything again', async () => {
    const { join, answer, tell, people, sent, client } = atTheWire()
    await join()
    await answer('presence.watch', 0)
    tell('state', { version: 3, page: 0, members: [], more: false })
    tell('join', { version: 5, members: [member('b')] })
    tell('join', { version: 6, members: [member('c')] })
    assert.deepEqual([people.members.size, people.isSynced], [0, false])
    assert.equal((await sent()).filter(({ type }) => type === 'presence.watch').length, 2)
    await answer('presence.watch', 1)
    tell('state', { version: 6, page: 0, members: [member('a'), member('b'), member('c')], more: false })
    assert.deepEqual([people.members.size, people.isSynced], [3, true])
    client.close()
  })

  for (const isLate of [false, true]) {
    test(`states are checked by the schema, those of others too, and stay in order (asynchronous: ${isLate})`, async () => {
      const plain = z.object({ mood: z.string().trim() })
      const schema = isLate ? plain.refine(() => Promise.resolve(true)) : plain
      const { join, answer, tell, people, errors, sent, client } = atTheWire({ schema })
      await join()
      await answer('presence.watch', 0)
      const told = listen(people)
      tell('state', {
        version: 1,
        page: 0,
        members: [member('a', { mood: 'fine' }), member('b', { mood: 1 })],
        more: false,
      })
      tell('update', { version: 2, members: [member('a', { mood: 'odd' })] })
      tell('leave', { version: 3, members: ['b'] })
      while (told.length < 3) await new Promise((resolve) => setTimeout(resolve))
      assert.deepEqual(told, ['sync a b', 'update a {"mood":"fine"} {"mood":"odd"}', 'leave b null'])
      assert.deepEqual(errors, ['invalid_payload'])
      await assert.rejects(people.set({ mood: 1 } as never), { code: 'invalid_payload' })
      void people.set({ mood: ' well ' })
      // @ts-expect-error -- not a state of the schema
      const wrong: number | undefined = people.members.get('a')?.state?.mood
      assert.equal(wrong, 'odd')
      while ((await sent()).length < 2) await new Promise((resolve) => setTimeout(resolve))
      assert.deepEqual((await sent()).at(-1)!.payload, { state: { mood: 'well' } })
      client.close()
      await new Promise((resolve) => setTimeout(resolve))
    })
  }

  test('what is revoked is told, and the list is empty', async () => {
    const { join, answer, tell, people, errors, client } = atTheWire()
    await join()
    await answer('presence.watch', 0)
    tell('state', { version: 1, page: 0, members: [member('a')], more: false })
    tell('unwatch', { code: 'forbidden', message: 'No.' })
    assert.deepEqual([people.members.size, people.isSynced, errors], [0, false, ['forbidden']])
    client.close()
  })

  test('a handler that throws is told to onError and keeps no other from being called', async () => {
    const { join, answer, tell, people, errors, client } = atTheWire()
    people.onChange(() => {
      throw new TypeError('a handler of presence fails')
    })
    const told = listen(people)
    await join()
    await answer('presence.watch', 0)
    tell('state', { version: 1, page: 0, members: [], more: false })
    tell('join', { version: 2, members: [member('a')] })
    assert.deepEqual([told, errors], [['sync', 'join a null'], ['internal', 'internal']])
    client.close()
  })
})
