import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Envelope, RotundaError } from '../../src/mod.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { type Ask, cursorOf, errorCode, Poller, sending } from '../support/http_client.ts'
import { note, range } from '../support/test_hub.ts'

type NotesHub = ReturnType<typeof fallbackHub>['hub']

async function fill(hub: NotesHub, room: string, count: number, length = 1): Promise<void> {
  for (let n = 1; n <= count; n++) await hub.room(room).publish('note', { text: 'x'.repeat(length) })
}

/** A session in room r that has got what it was sent so far, and said so. */
async function joined(ask: Ask): Promise<Poller> {
  const poller = await Poller.open(ask, '?room=r')
  await poller.next({ type: 'room.joined' })
  await poller.poll({ wait: 0 })
  return poller
}

async function waiting(hub: NotesHub, count: number): Promise<void> {
  while (hub.metrics.longPoll!.waiting !== count) await new Promise((resolve) => setTimeout(resolve, 1))
}

const users = (envelopes: readonly Envelope[]) => {
  return envelopes.filter(({ type }) => type === 'typing').map(({ payload }) =>
    Number((payload as { user: string }).user)
  )
}

describe('a session that is polled', () => {
  test('is a session like any other: member of rooms, asked, sent to, told of', async () => {
    const { hub, ask } = fallbackHub()
    hub.on('note.count', (ctx) => ({ count: ctx.room.size }))
    const poller = await Poller.open(ask, '?room=r')
    const id = poller.welcome.session
    await poller.next({ type: 'room.joined', room: 'r' })
    assert.deepEqual(hub.room('r').members.map((member) => member.id), [id])
    assert.equal(hub.session(id)!.remoteAddress, '10.0.0.1')
    const sent = await poller.send([note('hi', { ref: '1', key: 'k' }), { type: 'note.count', room: 'r', ref: '2' }])
    assert.deepEqual([sent.status, await sent.json()], [202, { status: 'queued', session_id: id }])
    assert.deepEqual((await poller.next({ type: 'ack', ref: '1' })).payload, { id: '00000000000000000001', seq: 1 })
    assert.deepEqual((await poller.next({ kind: 'reply', ref: '2' })).payload, { count: 1 })
    assert.equal((await poller.next({ type: 'note', seq: 1 })).from, id)
    const asking = hub.session(id)!.request('note.count', {})
    const { ref } = await poller.next({ type: 'note.count', kind: 'request' })
    await poller.send({ type: 'note.count', kind: 'reply', ref, payload: { count: 7 } })
    assert.deepEqual(await asking, { count: 7 })
    await hub.close()
  })

  test('waits until there is something; what comes at once comes together', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    const polled = poller.poll({ wait: 30 })
    await waiting(hub, 1)
    for (const user of ['1', '2', '3']) hub.room('r').publish('typing', { user })
    assert.deepEqual(users(await polled), [1, 2, 3])
    await hub.close()
  })

  test('what it was given is given again until it says that it got it, and then never', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    await fill(hub, 'r', 3)
    const before = poller.cursor
    const lost = await poller.poll()
    poller.cursor = before
    assert.deepEqual(await poller.poll(), lost)
    assert.deepEqual(await poller.poll({ wait: 0 }), [])
    const response = await ask(`/poll?${poller.query}&cursor=${before}`)
    assert.equal(await errorCode(response), '400 invalid_cursor')
    await hub.close()
  })

  test('without a cursor each answer is taken as received', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    await fill(hub, 'r', 3)
    const all: Envelope[] = []
    for (let i = 0; i < 3; i++) {
      const response = await ask(`/poll?session_id=${poller.welcome.credential}&max=2&wait=0.05`)
      all.push(...await response.json() as Envelope[])
    }
    assert.deepEqual(all.map(({ seq }) => seq), [1, 2, 3])
    await hub.close()
  })

  test('that is away keeps 256 messages, drops the oldest of those not durable, and reads the durable from the log', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    for (let n = 1; n <= 300; n++) hub.room('r').publish('typing', { user: String(n) })
    assert.deepEqual([hub.metrics.longPoll!.buffered, hub.metrics.longPoll!.dropped], [256, 44])
    for (let n = 1; n <= 40; n++) await fill(hub, 'r', 20, 100)
    assert.ok(hub.metrics.longPoll!.buffered <= 256 + 1)
    while (poller.seqs('r').length < 800) assert.ok((await poller.poll({ max: 100 })).length <= 100)
    assert.deepEqual(poller.seqs('r'), range(1, 800))
    const heard = users(poller.received)
    assert.deepEqual(heard, range(300 - heard.length + 1, 300))
    await hub.close()
  })

  test('that is away keeps the newest of what is not durable, and all that is, however they come', async () => {
    const { hub, ask } = fallbackHub({}, { mailbox: 16 })
    const poller = await joined(ask)
    for (let n = 1; n <= 100; n++) {
      hub.room('r').publish('typing', { user: String(n) })
      if (n % 10 === 0) await fill(hub, 'r', 1)
      // Each in a turn of its own.
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    assert.equal(hub.metrics.longPoll!.buffered, 16)
    assert.equal(hub.metrics.longPoll!.dropped, 94)
    await poller.poll()
    assert.deepEqual(poller.seqs('r'), range(1, 10))
    assert.deepEqual(users(poller.received), range(95, 100))
    assert.equal(hub.metrics.fellBehind, 0)
    await hub.close()
  })

  test('that is away drops what is not durable also when it is large, and is not ended for it', async () => {
    const limits = { highWaterMark: 65_536, hardLimit: 262_144, maxMessageSize: 65_536 }
    const { hub, ask } = fallbackHub({ limits })
    const poller = await joined(ask)
    for (let n = 1; n <= 100; n++) {
      hub.session(poller.welcome.session)!.send('note', { text: `${n} `.padEnd(10_000, 'x') })
    }
    assert.ok(hub.session(poller.welcome.session)!.bufferedAmount <= 65_536)
    assert.deepEqual(
      (await poller.poll()).map(({ payload }) => parseInt((payload as { text: string }).text)),
      range(95, 100),
    )
    await hub.close()
  })

  test('that is away through many messages is not a burden: hundreds of them, all bounded, all complete', async () => {
    const { hub, ask } = fallbackHub({ limits: { highWaterMark: 65_536 } }, { mailbox: 16 })
    const pollers = await Promise.all(range(1, 200).map(() => Poller.open(ask, '?room=r')))
    await Promise.all(pollers.map((poller) => poller.next({ type: 'room.joined' })))
    await fill(hub, 'r', 300, 1_000)
    const { buffered } = hub.metrics.longPoll!
    assert.ok(buffered <= 200 * 20, `${buffered} buffered`)
    await Promise.all(pollers.map(async (poller) => {
      while (poller.seqs('r').length < 300) await poller.poll({ max: 512 })
      assert.deepEqual(poller.seqs('r'), range(1, 300))
    }))
    await hub.close()
  })

  test('a second poll takes the place of the first, which ends with nothing', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    const path = `/poll?${poller.query}&cursor=${poller.cursor}&wait=30`
    const first = ask(path)
    await waiting(hub, 1)
    const second = ask(path)
    const ended = await first
    assert.deepEqual([await ended.json(), cursorOf(ended)], [[], poller.cursor])
    await waiting(hub, 1)
    await fill(hub, 'r', 1)
    assert.deepEqual((await (await second).json() as Envelope[]).map(({ seq }) => seq), [1])
    await hub.close()
  })

  test('ends when nobody has polled it for its time, and is swept with all that it held', async () => {
    const { hub, ask } = fallbackHub({}, { ttl: 1 })
    const closed: [string, number][] = []
    hub.onClose((session, code) => void closed.push([session.id, code]))
    const pollers = await Promise.all(range(1, 500).map(() => Poller.open(ask, '?room=r')))
    const [kept] = pollers
    await kept!.next({ type: 'room.joined' })
    await fill(hub, 'r', 3)
    assert.equal(hub.metrics.longPoll!.sessions, 500)
    while (closed.length < 499) await kept!.poll({ wait: 0.2 })
    assert.ok(closed.every(([id, code]) => id !== kept!.welcome.session && code === 4000))
    const { sessions, buffered } = hub.metrics.longPoll!
    assert.ok(sessions === 1 && buffered <= 3, `${sessions} sessions, ${buffered} buffered`)
    assert.equal(hub.sessionCount, 1)
    assert.equal(await errorCode(await ask(`/poll?${pollers[1]!.query}`)), '404 not_found')
    assert.equal(await errorCode(await pollers[1]!.send(note('late'))), '404 not_found')
    await hub.close()
  })

  test('ended by the server tells its code in the last answer, and is unknown after that', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await Poller.open(ask)
    hub.session(poller.welcome.session)!.send('note', { text: 'last words' })
    hub.session(poller.welcome.session)!.close(4321, 'enough')
    const [words, closed] = await poller.poll()
    assert.deepEqual(words!.payload, { text: 'last words' })
    assert.deepEqual(closed, { type: 'session.closed', payload: { code: 4321, reason: 'enough' } })
    await assert.rejects(poller.poll(), /404 not_found/)
    assert.equal(hub.metrics.longPoll!.sessions, 0)
    await hub.close()
  })

  test('that waits when the hub stops is told so', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await Poller.open(ask)
    const polled = poller.poll({ wait: 30 })
    await waiting(hub, 1)
    await hub.close()
    assert.deepEqual((await polled).map(({ type, payload }) => [type, payload]), [
      ['session.closed', { code: 1001, reason: 'The server is stopping.' }],
    ])
  })

  test('ends at once when its client says so', async () => {
    const { hub, ask } = fallbackHub()
    const closed = Promise.withResolvers<number>()
    hub.onClose((_, code) => closed.resolve(code))
    const poller = await Poller.open(ask)
    assert.equal((await ask(`/poll?${poller.query}`, { method: 'DELETE' })).status, 204)
    assert.equal(await closed.promise, 1000)
    assert.equal(await errorCode(await ask(`/poll?${poller.query}`, { method: 'DELETE' })), '404 not_found')
    await hub.close()
  })

  test('a poll that is abandoned is forgotten; what comes then is not lost', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    const gone = new AbortController()
    const polled = ask(`/poll?${poller.query}&cursor=${poller.cursor}&wait=60`, { signal: gone.signal })
    await waiting(hub, 1)
    gone.abort()
    await polled
    assert.equal(hub.metrics.longPoll!.waiting, 0)
    await fill(hub, 'r', 1)
    assert.equal((await poller.next({ type: 'note' })).seq, 1)
    await hub.close()
  })

  test('hears the same as a socket in the same room, in the same order', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    const socket = connectPeer(hub, new MemoryHost({ native: true }))
    socket.say({ type: 'room.join', room: 'r', ref: 'j' })
    await socket.next('room.joined', 'j')
    for (let n = 1; n <= 20; n++) {
      socket.say(note(String(n)))
      socket.say({ type: 'typing', room: 'r', payload: { user: String(n) } })
    }
    const heard = (envelopes: readonly Envelope[]) =>
      envelopes.filter(({ type }) => type === 'note' || type === 'typing')
    await socket.until((received) => heard(received).length === 40)
    while (heard(poller.received).length < 40) await poller.poll()
    assert.deepEqual(heard(poller.received), heard(socket.received))
    await hub.close()
  })

  test('is authorised with every request; its id, which all see, opens nothing', async () => {
    const { hub, ask } = fallbackHub({
      metadata: (request) => {
        if (request.headers.get('cookie') === null) throw new RotundaError('unauthenticated', 'Who are you?')
        return {}
      },
    })
    assert.equal(await errorCode(await ask('/poll', { method: 'POST' })), '401 unauthenticated')
    const poller = await Poller.open(ask, '', { cookie: 'me' })
    const { session, credential } = poller.welcome
    const cookie = { cookie: 'me' }
    assert.equal(await errorCode(await ask(`/poll?session=${credential}`)), '401 unauthenticated')
    assert.equal(await errorCode(await ask(`/send?session=${credential}`, sending(note('x')))), '401 unauthenticated')
    const forged = [
      session,
      `${session}.`,
      `${session}.${'A'.repeat(32)}`,
      `${credential}A`,
      credential.slice(0, -1),
      '',
      '.',
      'x',
    ]
    for (const given of forged) {
      const headers = { ...cookie, 'rotunda-session': given }
      assert.equal(await errorCode(await ask('/poll', { headers })), '404 not_found', given)
      assert.equal(await errorCode(await ask('/send', sending(note('x'), headers))), '404 not_found', given)
    }
    assert.equal((await ask(`/poll?session=${credential}`, { headers: cookie })).status, 200)
    await hub.close()
  })

  test('counts what it does', async () => {
    const { hub, ask } = fallbackHub()
    const poller = await joined(ask)
    await fill(hub, 'r', 2)
    const before = hub.metrics.longPoll!
    assert.deepEqual([before.sessions, before.streams, before.buffered, before.dropped], [1, 0, 2, 0])
    await poller.poll()
    await poller.poll({ wait: 0 })
    const { buffered, enqueued, drained, polls } = hub.metrics.longPoll!
    assert.deepEqual([buffered, enqueued, drained], [0, 4, 4])
    assert.ok(polls >= before.polls + 2)
    await hub.close()
    assert.equal(hub.metrics.longPoll!.sessions, 1)
  })
})
