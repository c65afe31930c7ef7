import assert from 'node:assert/strict'
import test from 'node:test'
import { type Envelope, RotundaError } from '../../src/mod.ts'
import { once, range, reached, says, Transcript, withClient } from '../support/with_client.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code

test('a durable publish resolves with its place once it is committed, and comes back to its sender', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    const delivered = once((handler: (seq: number, text: string, from: string | undefined) => void) =>
      room.on('chat.message', (m) => handler(m.seq, m.payload.text, m.from))
    )
    const welcomed = once(client.onOpen.bind(client))
    const place = await room.publish('chat.message', says('Hello!'))
    const [{ session }] = await welcomed
    assert.deepEqual(place, { id: '00000000000000000001', seq: 1 })
    assert.deepEqual(await delivered, [1, 'Hello!', session])
  }))

test('what is published in one turn leaves as one frame, and is stored in the order of the calls', () =>
  withClient({}, async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    const client = connect({ WebSocket: tamperedWebSocket(tamper) })
    await reached(client, 'open')
    const frames: Envelope[][] = []
    tamper.outgoing = (envelopes) => void frames.push(envelopes)
    const rooms = [client.join('africa'), client.join('asia')]
    const places = await Promise.all(range(1, 100).map((n) => rooms[n % 2]!.publish('chat.message', says(`${n}`))))
    assert.deepEqual(frames.map((envelopes) => envelopes.length), [102])
    assert.deepEqual(places.map(({ id }) => Number(id)), range(1, 100))
    const keys = frames.flat().flatMap(({ key }) => key ?? [])
    assert.equal(new Set(keys).size, 100)
  }))

test('a batch never has more envelopes than the server takes, nor more bytes', () =>
  withClient({ limits: { maxMessageSize: 1000 } }, async ({ connect }) => {
    const tamper: Tamper = { sockets: [] }
    const sizes: number[] = []
    const client = connect({ WebSocket: tamperedWebSocket(tamper), maxInFlight: 2000 })
    await reached(client, 'open')
    tamper.outgoing = (envelopes) => void sizes.push(new TextEncoder().encode(JSON.stringify(envelopes)).length)
    const room = client.join('africa')
    await Promise.all(range(1, 100).map((n) => room.publish('chat.message', says('ä'.repeat(n)))))
    assert.ok(sizes.length > 10)
    assert.ok(Math.max(...sizes) <= 1002, `${Math.max(...sizes)}`)
    assert.equal(client.state, 'open')
  }))

test('no more than maxInFlight publishes are unacknowledged on the wire', () =>
  withClient({}, async ({ connect }) => {
    let open = 0
    let most = 0
    const tamper: Tamper = {
      sockets: [],
      outgoing: (envelopes) => most = Math.max(most, open += envelopes.filter(({ key }) => key !== undefined).length),
      incoming: (envelope) => {
        if (envelope.type === 'ack') open -= 1
        return envelope
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper), maxInFlight: 7 }).join('africa')
    const places = await Promise.all(range(1, 100).map((n) => room.publish('chat.message', says(`${n}`))))
    assert.deepEqual(places.map(({ seq }) => seq), range(1, 100))
    assert.equal(most, 7)
  }))

test('what is published while offline is sent in order once there is a connection', () =>
  withClient({}, async ({ connect }) => {
    const client = connect({ autoConnect: false })
    const room = client.join('africa')
    const transcript = new Transcript(room)
    const publishing = range(1, 50).map((n) => room.publish('chat.message', says(`${n}`)))
    assert.equal(client.state, 'closed')
    client.connect()
    assert.deepEqual((await Promise.all(publishing)).map(({ seq }) => seq), range(1, 50))
    await transcript.has(50)
    assert.deepEqual(transcript.texts, range(1, 50).map(String))
  }))

test('a publish beyond maxQueue rejects with queue_full, and the others are stored', () =>
  withClient({}, async ({ connect }) => {
    const client = connect({ autoConnect: false, maxQueue: 3 })
    const room = client.join('africa')
    const publishing = range(1, 3).map((n) => room.publish('chat.message', says(`${n}`)))
    await assert.rejects(room.publish('chat.message', says('4')), failsWith('queue_full'))
    client.connect()
    assert.deepEqual((await Promise.all(publishing)).map(({ seq }) => seq), [1, 2, 3])
    assert.equal((await room.publish('chat.message', says('5'))).seq, 4)
  }))

test('a publish that no frame of the server can hold rejects with message_too_big, before and after the welcome', () =>
  withClient({ limits: { maxMessageSize: 1000 } }, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    const early = room.publish('chat.message', says('x'.repeat(2000)))
    const fits = room.publish('chat.message', says('fits'))
    await assert.rejects(early, failsWith('message_too_big'))
    assert.equal((await fits).seq, 1)
    await assert.rejects(room.publish('chat.message', says('é'.repeat(480))), failsWith('message_too_big'))
    assert.equal((await room.publish('chat.message', says('e'.repeat(480)))).seq, 2)
    assert.equal(client.state, 'open')
  }))

test('a payload that fails the contract rejects with invalid_payload and is not sent', () =>
  withClient({}, async ({ connect }) => {
    const room = connect().join('africa')
    await assert.rejects(room.publish('chat.message', says('')), {
      code: 'invalid_payload',
      message: /^payload\.text: /,
    })
    assert.throws(() => room.publish('chat.typing', { user: '' }), failsWith('invalid_payload'))
    assert.equal((await room.publish('chat.message', says('first'))).seq, 1)
  }))

test('an error of the server that is not retryable rejects with its code and message', () =>
  withClient({}, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    await assert.rejects(room.publish('chat.message', says('x'), { key: '\n' }), {
      name: 'RotundaError',
      code: 'invalid_key',
      message: /Producer key/,
    })
    assert.equal((await room.publish('chat.message', says('x'))).seq, 1)
  }))

test('a missing ack makes the client send again under the same key, and the message is stored once', () =>
  withClient({}, async ({ connect }) => {
    const keys: string[] = []
    let swallow = 3
    const tamper: Tamper = {
      sockets: [],
      outgoing: (envelopes) => void keys.push(...envelopes.flatMap(({ key }) => key ?? [])),
      incoming: (envelope) => envelope.type === 'ack' && swallow-- > 0 ? undefined : envelope,
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper), ackTimeout: 100 }).join('africa')
    const transcript = new Transcript(room)
    const places = await Promise.all(range(1, 3).map((n) => room.publish('chat.message', says(`${n}`))))
    assert.deepEqual(places.map(({ seq }) => seq), [1, 2, 3])
    assert.equal((await room.publish('chat.message', says('4'))).seq, 4)
    await transcript.has(4)
    assert.deepEqual(transcript.texts, ['1', '2', '3', '4'])
    assert.deepEqual(keys.slice(0, 3), keys.slice(3, 6))
    assert.equal(tamper.sockets.length, 1)
  }))

test('after a retryable error what failed goes first again, in the old order, before anything new', () =>
  withClient({}, async ({ connect }) => {
    const sent: string[] = []
    let refuse = 2
    const tamper: Tamper = {
      sockets: [],
      outgoing: (envelopes) => {
        for (const { key, payload } of envelopes) if (key !== undefined) sent.push((payload as { text: string }).text)
      },
      incoming: (envelope) => {
        if (envelope.type !== 'ack' || envelope.ref === undefined || refuse-- <= 0) return envelope
        const payload = { code: 'store_unavailable', message: 'try again', retryable: true }
        return { type: 'error', room: 'africa', ref: envelope.ref, payload }
      },
    }
    const room = connect({ WebSocket: tamperedWebSocket(tamper), maxInFlight: 3 }).join('africa')
    await Promise.all(range(1, 6).map((n) => room.publish('chat.message', says(`${n}`))))
    assert.deepEqual(sent, ['1', '2', '3', '1', '2', '4', '5', '6'])
  }))

test('aborting a publish rejects it with aborted, and one that was not sent is never sent', () =>
  withClient({}, async ({ connect }) => {
    const client = connect({ autoConnect: false })
    const room = client.join('africa')
    const abort = new AbortController()
    const publishing = room.publish('chat.message', says('withdrawn'), { signal: abort.signal })
    const kept = room.publish('chat.message', says('kept'))
    abort.abort()
    await assert.rejects(publishing, failsWith('aborted'))
    await assert.rejects(room.publish('chat.message', says('late'), { signal: abort.signal }), failsWith('aborted'))
    client.connect()
    assert.equal((await kept).seq, 1)
  }))

test('the same key of the application is the same message, over several clients', () =>
  withClient({}, async ({ connect }) => {
    const first = await connect().join('africa').publish('chat.message', says('once'), { key: 'order 7' })
    const second = await connect().join('africa').publish('chat.message', says('once'), { key: 'order 7' })
    assert.deepEqual(first, second)
  }))

test('I7 an ephemeral event has no seq, is passed on at once, and is dropped while offline', () =>
  withClient({}, async ({ connect }) => {
    const sender = connect()
    const writing = sender.join('africa')
    assert.equal(writing.publish('chat.typing', { user: 'too early' }), undefined)
    const reader = connect().join('africa')
    const received: unknown[] = []
    reader.on('chat.typing', (m) => received.push({ ...m, ts: 0, from: '' }))
    await once(reader.onJoined.bind(reader))
    await reached(sender, 'open')
    const told = once((handler: () => void) => reader.on('chat.typing', handler))
    writing.publish('chat.typing', { user: 'Gaspard' })
    await told
    assert.deepEqual(received, [{ type: 'chat.typing', room: 'africa', ts: 0, from: '', payload: { user: 'Gaspard' } }])
  }))
