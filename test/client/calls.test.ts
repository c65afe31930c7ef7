import assert from 'node:assert/strict'
import test from 'node:test'
import { RotundaError } from '../../src/mod.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { once, range, reached, says, Transcript, withClient } from '../support/with_client.ts'

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code
const seeded = (messages: number, trimmed = 0) => ({ seed: { room: 'africa', messages, trimmed } })

test('P3 a request is answered, also one made before there is a connection', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    assert.deepEqual(await room.request('chat.stats', {}), { members: 1 })
    assert.deepEqual(await client.request('chat.stats', {}, { room: 'asia' }), { members: 0 })
  }))

test('P3 a request that the server refuses rejects with its error', () =>
  withClient({}, async ({ connect }) => {
    const client = connect({ requestTimeout: 2_000 })
    await assert.rejects(client.request('chat.stats', {}), failsWith('invalid_room'))
  }))

test('P3 an unanswered request rejects with timeout, and an aborted one with aborted', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = { sockets: [], incoming: (envelope) => envelope.kind === 'reply' ? undefined : envelope }
    const room = connect({ WebSocket: tamperedWebSocket(tamper), requestTimeout: 60_000 }).join('africa')
    await assert.rejects(room.request('chat.stats', {}, { timeout: 20 }), failsWith('timeout'))
    const abort = new AbortController()
    const request = room.request('chat.stats', {}, { signal: abort.signal })
    abort.abort('enough')
    await assert.rejects(request, (error) => failsWith('aborted')(error) && (error as Error).cause === 'enough')
    await assert.rejects(room.request('chat.stats', {}, { signal: abort.signal }), failsWith('aborted'))
  }))

test('P3 a request on a connection that is lost rejects with disconnected, one that never left is sent later', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = { sockets: [], incoming: (envelope) => envelope.kind === 'reply' ? undefined : envelope }
    const client = connect({ WebSocket: tamperedWebSocket(tamper) })
    await reached(client, 'open')
    const asked = new Promise<void>((resolve) => tamper.outgoing = () => resolve())
    const request = client.request('chat.stats', {}, { room: 'africa' })
    await asked
    tamper.sockets[0]!.close(4000)
    await assert.rejects(request, failsWith('disconnected'))
    tamper.incoming = undefined
    assert.deepEqual(await client.request('chat.stats', {}, { room: 'africa' }), { members: 0 })
  }))

test('C1 history gives every message, newest first, over all pages', () =>
  withClient(seeded(25), async ({ connect }) => {
    const asked: unknown[] = []
    const tamper: Tamper = {
      sockets: [],
      outgoing: (envelopes) => {
        for (const { type, payload } of envelopes) if (type === 'room.history') asked.push(payload)
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa')
    const seqs: number[] = []
    for await (const message of room.history({ limit: 10 })) {
      assert.equal(message.type, 'chat.message')
      assert.equal(message.payload.text, `message ${message.seq}`)
      seqs.push(message.seq)
    }
    assert.deepEqual(seqs, range(1, 25).reverse())
    assert.equal(asked.length, 3)
  }))

test('C1 history starts before an id, ends where the log was trimmed, and fetches no page that is not read', () =>
  withClient(seeded(30, 12), async ({ connect }) => {
    let pages = 0
    const tamper: Tamper = {
      sockets: [],
      outgoing: (envelopes) => void (pages += envelopes.filter(({ type }) => type === 'room.history').length),
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa')
    const seqs: number[] = []
    for await (const { seq } of room.history({ before: '00000000000000000021', limit: 8 })) seqs.push(seq)
    assert.deepEqual(seqs, range(13, 20).reverse())
    assert.equal(pages, 1)
    for await (const { seq } of room.history({ limit: 2 })) if (seq === 30) break
    assert.equal(pages, 2)
    assert.deepEqual(await connect().join('empty').history().next(), { done: true, value: undefined })
  }))

test('C1 history goes on after a lost connection', () =>
  withClient(seeded(20), async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    const client = connect({ WebSocket: tamperedWebSocket(tamper) })
    const room = client.join('africa')
    const seqs: number[] = []
    for await (const { seq } of room.history({ limit: 5 })) {
      seqs.push(seq)
      if (seq === 11) tamper.sockets[0]!.close(4000)
    }
    assert.deepEqual(seqs, range(1, 20).reverse())
    await reached(client, 'open')
    assert.equal(tamper.sockets.length, 2)
  }))

test('history with a limit that the server does not take rejects with its error', () =>
  withClient({}, async ({ connect }) => {
    const room = connect().join('africa')
    await assert.rejects(room.history({ limit: 201 }).next(), failsWith('invalid_limit'))
    await assert.rejects(room.history({ before: 'nonsense' }).next(), failsWith('invalid_cursor'))
  }))

test('a handler that throws, at once or later, stops nothing and is told with its message', () =>
  withClient({}, async ({ connect }) => {
    const room = connect().join('africa')
    const told: unknown[] = []
    room.onError((error, about) => told.push([error.code, (error.cause as Error).message, about.seq]))
    room.on('chat.message', ({ seq }) => {
      if (seq === 1) throw new Error('at once')
    })
    room.on('chat.message', async ({ seq }) => {
      await Promise.resolve()
      if (seq === 2) throw new Error('later')
    })
    const transcript = new Transcript(room)
    for (const n of range(1, 3)) await room.publish('chat.message', says(`${n}`))
    await transcript.has(3)
    assert.deepEqual(told, [['internal', 'at once', 1], ['internal', 'later', 2]])
  }))

test('a message that fails the contract is told with its seq, and is not a gap', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => envelope.seq === 2 ? { ...envelope, payload: { user: 'G' } } : envelope,
    }
    const client = connect({ WebSocket: tamperedWebSocket(tamper) })
    const room = client.join('africa')
    const told: unknown[] = []
    client.onError((error, about) => told.push([error.code, error.message.split(':')[0], about.room, about.seq]))
    room.onGap(() => told.push('gap'))
    const transcript = new Transcript(room)
    for (const n of range(1, 3)) await room.publish('chat.message', says(`${n}`))
    await transcript.has(2)
    assert.deepEqual(transcript.seqs, [1, 3])
    assert.deepEqual(told, [['invalid_payload', 'payload.text', 'africa', 2]])
    assert.equal(room.cursor?.seq, 3)
  }))

test('a join that the server refuses is told to the room, and others go on', () =>
  withClient({ limits: { maxRoomsPerSession: 1 } }, async ({ connect }) => {
    const client = connect()
    const first = client.join('africa')
    const second = client.join('asia')
    const [error] = await once(second.onError.bind(second))
    assert.equal(error.code, 'too_many_rooms')
    assert.equal((await first.publish('chat.message', says('x'))).seq, 1)
  }))

test('a join that fails with a retryable error is tried again', () =>
  withClient(seeded(3), async ({ connect }) => {
    let refuse = 1
    const tamper: Tamper = {
      sockets: [],
      incoming: (envelope) => {
        if (envelope.type !== 'room.joined' || refuse-- <= 0) return envelope
        const payload = { code: 'store_unavailable', message: 'try again', retryable: true }
        return { type: 'error', room: 'africa', ref: envelope.ref!, payload }
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('africa', { last: 3 })
    await once(room.onJoined.bind(room))
    assert.equal(refuse, -1)
  }))

test('a room is one object until it is left; then its handlers are silent and a new one starts afresh', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    assert.equal(client.join('africa', { last: 5 }), room)
    const before = new Transcript(room)
    await room.publish('chat.message', says('1'))
    await before.has(1)
    room.leave()
    const again = client.join('africa', { last: 5 })
    assert.notEqual(again, room)
    const after = new Transcript(again)
    assert.equal((await room.publish('chat.message', says('2'))).seq, 2)
    await after.has(2)
    assert.deepEqual([before.seqs, after.seqs], [[1], [1, 2]])
  }))

test('an unsubscribed handler is not called any more, even where it is one of two', () =>
  withClient({}, async ({ connect }) => {
    const room = connect().join('africa')
    const calls: number[] = []
    const handler = ({ seq }: { seq: number }) => calls.push(seq)
    const off = room.on('chat.message', handler)
    room.on('chat.message', handler)
    const transcript = new Transcript(room)
    await room.publish('chat.message', says('1'))
    await transcript.has(1)
    off()
    off()
    await room.publish('chat.message', says('2'))
    await transcript.has(2)
    assert.deepEqual(calls, [1, 1, 2])
  }))

test('a URL that is none is refused by name; one for HTTP is taken as its WebSocket', () =>
  withClient({}, async ({ connect, url }) => {
    assert.throws(() => connect({ url: 'not a url' }), failsWith('invalid_config'))
    await reached(connect({ url: url.replace('ws:', 'http:') }), 'open')
  }))
