import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ControlledStore } from '../support/controlled_store.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { EventReader, sending } from '../support/http_client.ts'
import { note, range } from '../support/test_hub.ts'

const text = (n: number) => ({ text: `note ${n}` })

async function fill(hub: ReturnType<typeof fallbackHub>['hub'], room: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await hub.room(room).publish('note', text(n))
}

describe('a stream', () => {
  test('is a session like any other: welcome first, messages in order, gone when the stream is', async () => {
    const { hub, ask } = fallbackHub()
    const closed = Promise.withResolvers<[string, number]>()
    hub.onClose((session, code) => closed.resolve([session.id, code]))
    const stream = await EventReader.open(ask, '?room=r')
    const welcome = await stream.welcome()
    assert.equal(stream.envelopes[0]!.type, 'session.welcome')
    await stream.next({ type: 'room.joined', room: 'r' })
    assert.deepEqual(hub.room('r').members.map(({ id }) => id), [welcome.session])
    assert.deepEqual([hub.session(welcome.session)!.remoteAddress, hub.session(welcome.session)!.remotePort], [
      '10.0.0.1',
      7,
    ])
    await fill(hub, 'r', 3)
    hub.room('r').publish('typing', { user: 'u' })
    await stream.next({ type: 'typing' })
    assert.deepEqual(stream.seqs('r'), [1, 2, 3])
    await stream.close()
    assert.deepEqual(await closed.promise, [welcome.session, 1006])
    assert.equal(hub.sessionCount, 0)
    assert.equal(hub.metrics.longPoll!.streams, 0)
    await hub.close()
  })

  test('says what it is, and how long to stay away', async () => {
    const { hub, ask } = fallbackHub()
    const stream = await EventReader.open(ask)
    const { headers } = stream.response
    assert.equal(headers.get('content-type'), 'text/event-stream; charset=utf-8')
    assert.equal(headers.get('cache-control'), 'no-cache, no-transform')
    await stream.welcome()
    assert.match(stream.lines[0]!, /^retry: [1-4]\d\d\d$/)
    await stream.close()
    await hub.close()
  })

  test('in one room carries its cursor as id; one that comes back with it misses and repeats nothing', async () => {
    const { hub, ask } = fallbackHub()
    await fill(hub, 'r', 5)
    const first = await EventReader.open(ask, '?room=r&last=2')
    await first.until(() => first.seqs('r').length === 2)
    assert.equal(first.lastEventId, `${hub.epoch}:5`)
    await first.close()
    await fill(hub, 'r', 3)
    const second = await EventReader.open(ask, '?room=r&last=2', { 'last-event-id': first.lastEventId! })
    await second.until(() => second.seqs('r').length >= 3)
    assert.deepEqual(second.seqs('r'), [6, 7, 8])
    await second.close()
    await hub.close()
  })

  test('that was only joined has a cursor too: what came while it was away is not missed', async () => {
    const { hub, ask } = fallbackHub()
    const first = await EventReader.open(ask, '?room=r')
    await first.next({ type: 'room.joined' })
    const id = first.lastEventId!
    await first.close()
    await fill(hub, 'r', 2)
    const second = await EventReader.open(ask, '?room=r', { 'last-event-id': id })
    await second.until(() => second.seqs('r').length === 2)
    await second.close()
    await hub.close()
  })

  test('in several rooms carries the cursors of all in every id, whatever the order of events', async () => {
    const { hub, ask } = fallbackHub()
    const first = await EventReader.open(ask, '?room=a&room=b&room=c')
    await first.next({ type: 'room.joined', room: 'c' })
    for (const room of ['b', 'a', 'b']) await hub.room(room).publish('note', text(1))
    await first.until(() => first.seqs('b').length === 2 && first.seqs('a').length === 1)
    assert.equal(first.lastEventId, `${hub.epoch}:1,2,0`)
    await first.close()
    for (const room of ['c', 'a', 'b']) await hub.room(room).publish('note', text(2))
    const second = await EventReader.open(ask, '?room=a&room=b&room=c', { 'last-event-id': first.lastEventId! })
    await second.until(() => second.seqs('c').length > 0 && second.seqs('a').length > 0 && second.seqs('b').length > 0)
    assert.deepEqual([second.seqs('a'), second.seqs('b'), second.seqs('c')], [[2], [3], [1]])
    await second.close()
    await hub.close()
  })

  test('does not take the cursor of a room that it joined otherwise for that of its URL', async () => {
    const { hub, ask } = fallbackHub()
    const stream = await EventReader.open(ask, '?room=a')
    const { credential } = await stream.welcome()
    await stream.next({ type: 'room.joined', room: 'a' })
    const join = { type: 'room.join', room: 'other', ref: 'j' }
    assert.equal((await ask('/send', sending(join, { 'rotunda-session': credential }))).status, 202)
    await stream.next({ type: 'room.joined', room: 'other', ref: 'j' })
    await fill(hub, 'other', 2)
    await stream.until(() => stream.seqs('other').length === 2)
    assert.equal(stream.lastEventId, `${hub.epoch}:0`)
    await stream.close()
    await hub.close()
  })

  test('encodes each message once for all streams of a room', async () => {
    const { hub, ask } = fallbackHub()
    const streams = await Promise.all(range(1, 50).map(() => EventReader.open(ask, '?room=r')))
    await Promise.all(streams.map((stream) => stream.next({ type: 'room.joined' })))
    const encode = TextEncoder.prototype.encode
    let count = 0
    TextEncoder.prototype.encode = function (...given) {
      if (given[0]?.includes('"note"')) count += 1
      return encode.apply(this, given)
    }
    try {
      await fill(hub, 'r', 1)
      await Promise.all(streams.map((stream) => stream.until(() => stream.seqs('r').length === 1)))
    } finally {
      TextEncoder.prototype.encode = encode
    }
    assert.equal(count, 1)
    await Promise.all(streams.map((stream) => stream.close()))
    await hub.close()
  })

  test('of a cursor of another log, ahead of it, or whose messages are gone: tells so, typed, and goes on', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    await fill(hub, 'r', 5)
    await store.trim('r', 2)
    const gapOf = async (query: string, seqs: number[]) => {
      const stream = await EventReader.open(ask, `?room=r&${query}`)
      const { payload } = await stream.next({ type: 'room.gap' })
      await stream.until(() => stream.seqs('r').length === seqs.length)
      assert.deepEqual(stream.seqs('r'), seqs)
      await stream.close()
      return payload as { code: string; cursor: number }
    }
    assert.equal((await gapOf('cursor=other:3', [3, 4, 5])).code, 'epoch_changed')
    assert.equal((await gapOf(`cursor=${hub.epoch}:9`, [])).code, 'cursor_ahead')
    const trimmed = await gapOf(`after=0&epoch=${hub.epoch}`, [3, 4, 5])
    assert.deepEqual([trimmed.code, trimmed.cursor], ['history_trimmed', 2])
    await hub.close()
  })

  test('ends with the close code as its last event', async () => {
    const { hub, ask } = fallbackHub()
    const stream = await EventReader.open(ask)
    const { session } = await stream.welcome()
    hub.session(session)!.close(4321, 'enough')
    await stream.ended
    assert.deepEqual(stream.envelopes.at(-1), { type: 'session.closed', payload: { code: 4321, reason: 'enough' } })
    await hub.close()
  })

  test('ends with 1001 when the hub stops, told of the drain before', async () => {
    const { hub, ask } = fallbackHub()
    const stream = await EventReader.open(ask)
    await stream.welcome()
    await hub.close({ drain: 0.05 })
    await stream.ended
    const [drain, closed] = stream.envelopes.slice(-2)
    assert.deepEqual([drain!.type, closed!.payload], ['session.drain', {
      code: 1001,
      reason: 'The server is stopping.',
    }])
  })

  test('hears a comment when it has heard nothing else', async () => {
    const { hub, ask } = fallbackHub({}, { heartbeat: 0.1 })
    const stream = await EventReader.open(ask)
    await stream.until(() => stream.lines.filter((line) => line.startsWith(':')).length >= 3)
    await stream.close()
    await hub.close()
  })

  test('carries what an application sends outside of the protocol as events with a name', async () => {
    const { hub, ask } = fallbackHub()
    hub.onOpen((session) => {
      session.sendText('two\r\nlines')
      session.sendBytes(new Uint8Array([1, 2, 255]))
    })
    const stream = await EventReader.open(ask)
    await stream.until(() => stream.events.length === 3)
    assert.deepEqual(stream.events.slice(1), [
      { id: undefined, event: 'text', data: 'two\nlines' },
      { id: undefined, event: 'bytes', data: 'AQL/' },
    ])
    await stream.close()
    await hub.close()
  })

  test('of payloads with line ends between their tokens stays whole', async () => {
    const store = new ControlledStore()
    const common = { room: 'r', kind: 'event', type: 'note', from: null, key: null, ts: 1 }
    await store.append([{ ...common, payload: '{\r\n  "text":\n"by hand"\n}' }])
    const { hub, ask } = fallbackHub({ store })
    const stream = await EventReader.open(ask, '?room=r&last=1')
    assert.deepEqual((await stream.next({ type: 'note' })).payload, { text: 'by hand' })
    await stream.close()
    await hub.close()
  })

  test('that reads slowly is switched to reading the log: bounded, nothing durable lost', async () => {
    const { hub, ask } = fallbackHub({
      limits: { highWaterMark: 65_536, maxMessageSize: 65_536, hardLimit: 1024 * 1024 },
    })
    const response = await ask('/sse?room=r')
    const reader = response.body!.getReader()
    await reader.read()
    const [session] = hub.sessions
    while (!session!.inRoom('r')) await new Promise((resolve) => setTimeout(resolve, 1))
    let most = 0
    for (let n = 1; n <= 400; n++) {
      await hub.room('r').publish('note', { text: String(n).padStart(2_000, '.') })
      most = Math.max(most, session!.bufferedAmount)
    }
    assert.ok(most < 300_000, `${most} bytes waited`)
    assert.ok(hub.metrics.fellBehind > 0)
    reader.releaseLock()
    const stream = new EventReader(response)
    await stream.until(() => stream.seqs('r').length >= 400)
    assert.deepEqual(stream.seqs('r'), range(1, 400))
    await stream.close()
    await hub.close()
  })

  test('with more waiting than a connection may have ends without it, and says why', async () => {
    const { hub, ask } = fallbackHub({ limits: { highWaterMark: 65_536, maxMessageSize: 16_384, hardLimit: 131_072 } })
    const closed = Promise.withResolvers<number>()
    hub.onClose((_, code) => closed.resolve(code))
    const response = await ask('/sse')
    const [session] = hub.sessions
    while (session!.state === 'open') session!.send('note', { text: 'x'.repeat(10_000) })
    assert.equal(await closed.promise, 4002)
    const text = await response.text()
    assert.ok(text.length < 70_000, `${text.length} bytes were kept`)
    assert.match(text, /"session\.closed","payload":\{"code":4002,"reason":"More than 131072 bytes/)
    assert.equal(hub.sessionCount, 0)
    await hub.close()
  })

  test('that takes nothing for as long as a pong may take is ended with 4001', async () => {
    const limits = { pingInterval: 0.1, pongTimeout: 0.1, idleTimeout: 1 }
    const { hub, ask } = fallbackHub({ limits }, { heartbeat: 0.1 })
    const closed = Promise.withResolvers<number>()
    hub.onClose((_, code) => closed.resolve(code))
    const response = await ask('/sse')
    assert.equal(await closed.promise, 4001)
    assert.match(await response.text(), /"code":4001/)
    await hub.close()
  })

  test('answers what is sent as its session, in order, over the stream', async () => {
    const { hub, ask } = fallbackHub()
    hub.on('note.count', () => ({ count: 42 }))
    const stream = await EventReader.open(ask, '?room=r')
    const { credential, session } = await stream.welcome()
    const batch = [note('hi', { ref: '1', key: 'k' }), { type: 'note.count', room: 'r', ref: '2', payload: {} }]
    const response = await ask(`/send?session=${credential}`, sending(batch))
    assert.deepEqual([response.status, await response.json()], [202, { status: 'queued', session_id: session }])
    assert.deepEqual((await stream.next({ type: 'ack', ref: '1' })).payload, { id: '00000000000000000001', seq: 1 })
    assert.deepEqual((await stream.next({ kind: 'reply', ref: '2' })).payload, { count: 42 })
    assert.equal((await stream.next({ type: 'note', seq: 1 })).from, session)
    await stream.close()
    await hub.close()
  })
})
