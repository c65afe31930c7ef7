import assert from 'node:assert/strict'
import test from 'node:test'
import { RotundaError } from '../../src/client/mod.ts'
import { FakeCipher } from '../support/fake_cipher.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { once, range, reached, says, Transcript } from '../support/with_client.ts'
import { type HubFixture, withHub } from '../support/with_hub.ts'

const encrypted = { encrypted: ['secret-*'] }

/** A client in a room of which the server understands nothing. */
function member({ connect }: HubFixture, last?: number) {
  const cipher = new FakeCipher()
  const tamper: Tamper = { sockets: [] }
  const client = connect({ WebSocket: tamperedWebSocket(tamper) })
  const room = client.join('secret-1', { cipher, ...last === undefined ? {} : { last } })
  return { cipher, tamper, client, room, transcript: new Transcript(room) }
}

test('P9 messages are sealed and stored in the order of the calls, opened and told in the order of the log', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, tamper, room, transcript } = member(fixture)
    const sent: string[] = []
    tamper.outgoing = (envelopes) => void sent.push(JSON.stringify(envelopes))
    const places = await Promise.all(range(1, 100).map((n) => room.publish('chat.message', says(`legible ${n}`))))
    assert.deepEqual(places.map(({ seq }) => seq), range(1, 100))
    await transcript.has(100)
    assert.deepEqual(transcript.texts, range(1, 100).map((n) => `legible ${n}`))
    assert.equal(sent.join().includes('legible'), false)
    assert.equal(new Set(cipher.sealed.map(({ key }) => key)).size, 100)
    assert.deepEqual(cipher.sealed.map(({ room, type }) => `${room} ${type}`), Array(100).fill('secret-1 chat.message'))
    const { room: name, type, seq } = cipher.opened[6]!
    assert.deepEqual([name, type, seq], ['secret-1', 'chat.message', 7])
  }))

test('P9 the cipher stays here: the server is asked to join with nothing but the place to start from', () =>
  withHub(encrypted, async (fixture) => {
    const joins: unknown[] = []
    const { tamper, room } = member(fixture, 5)
    tamper.outgoing = (envelopes) => joins.push(...envelopes.map(({ payload }) => payload))
    await once(room.onJoined.bind(room))
    assert.deepEqual(joins, [{ last: 5 }])
  }))

test('P9 what does not fit the contract is neither sealed nor sent', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, room } = member(fixture)
    await assert.rejects(room.publish('chat.message', says('')), { code: 'invalid_payload' })
    assert.throws(() => room.publish('chat.typing', { user: '' }), { code: 'invalid_payload' })
    assert.deepEqual(cipher.sealed, [])
    assert.equal((await room.publish('chat.message', says('first'))).seq, 1)
  }))

test('P9 ephemeral events are sealed under no key, and keep their order', () =>
  withHub(encrypted, async (fixture) => {
    const [writer, reader] = [member(fixture), member(fixture)]
    await Promise.all([writer, reader].map(({ room }) => once(room.onJoined.bind(room))))
    const heard: string[] = []
    const all = new Promise<void>((resolve) => {
      reader.room.on('chat.typing', ({ payload }) => {
        if (heard.push(payload.user) === 20) resolve()
      })
    })
    for (const n of range(1, 20)) writer.room.publish('chat.typing', { user: `${n}` })
    await all
    assert.deepEqual(heard, range(1, 20).map(String))
    assert.ok(writer.cipher.sealed.every(({ key }) => key === ''))
  }))

test('P9 a message that does not open is told to the room with its envelope, and the others go on without a gap', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, room, transcript } = member(fixture)
    const told: unknown[] = []
    room.onGap(() => told.push('gap'))
    room.onError(({ code }, { room, seq, type }) => told.push([code, room, seq, type, transcript.seqs.length]))
    cipher.before = (what, payload) => {
      if (what === 'open' && (payload as { text: string }).text === '2') {
        throw new RotundaError('unknown_encryption_key', 'No key "k2" here.')
      }
    }
    await Promise.all(range(1, 4).map((n) => room.publish('chat.message', says(`${n}`))))
    await transcript.has(3)
    assert.deepEqual(transcript.seqs, [1, 3, 4])
    // In its turn, after the first.
    const expected = ['unknown_encryption_key', 'secret-1', 2, 'chat.message', 1]
    assert.deepEqual(told, [expected])
    assert.equal(room.cursor?.seq, 4)
    const history: string[] = []
    for await (const { payload } of room.history()) history.push((payload as { text: string }).text)
    assert.deepEqual(history, ['4', '3', '1'])
    assert.deepEqual(told, [expected, ['unknown_encryption_key', 'secret-1', 2, 'chat.message', 3]])
  }))

test('P9 what was sealed by another contract is invalid_payload once it is opened', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, room, transcript } = member(fixture)
    const told: unknown[] = []
    room.onError(({ code }, { seq }) => told.push([code, seq]))
    cipher.before = (_, payload) => {
      const message = payload as { text: unknown }
      if (message.text === '1') message.text = 1
    }
    for (const n of range(1, 2)) await room.publish('chat.message', says(`${n}`))
    await transcript.has(1)
    assert.deepEqual([transcript.seqs, told], [[2], [['invalid_payload', 1]]])
  }))

test('P9 a payload that cannot be sealed rejects its publish, or is told where there is no promise', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, client, room, transcript } = member(fixture)
    await reached(client, 'open')
    const cause = new RotundaError('invalid_config', 'No key.')
    cipher.before = (what, payload) => {
      if (what === 'seal' && (payload as { user: string }).user !== 'Gaspard') throw cause
    }
    const told = once(room.onError.bind(room))
    room.publish('chat.typing', { user: 'Ada' })
    const refused = room.publish('chat.message', { user: 'Ada', text: 'x' })
    const stored = room.publish('chat.message', says('y'))
    await assert.rejects(refused, cause)
    const [error, about] = await told
    assert.deepEqual([error, about], [cause, { room: 'secret-1', type: 'chat.typing' }])
    assert.equal((await stored).seq, 1)
    await transcript.has(1)
  }))

test('I4 P9 a cipher that is far behind loses nothing: what cannot be taken is fetched later, and is no gap', () =>
  withHub(encrypted, async (fixture) => {
    const { room } = member(fixture)
    const count = 3_000
    await Promise.all(range(1, count).map((n) => room.publish('chat.message', says(`${n}`))))

    const late = member(fixture, count)
    let open = () => {}
    const gate = new Promise<void>((resolve) => open = resolve)
    late.cipher.before = (what) => what === 'open' ? gate : undefined
    const gaps: unknown[] = []
    late.room.onGap((gap) => gaps.push(gap))
    // The answer to the first fetch finds no place either.
    late.tamper.incoming = (envelope) => {
      if (envelope.kind === 'reply') setTimeout(open)
      return envelope
    }
    await late.transcript.has(count)
    assert.deepEqual(late.transcript.seqs, range(1, count))
    assert.deepEqual(gaps, [])
  }))

test('P9 a room that is left while a message is being opened stays silent', () =>
  withHub(encrypted, async (fixture) => {
    const { cipher, client, room, transcript } = member(fixture)
    fixture.hub.on('chat.stats', () => ({ members: 0 }))
    let open = () => {}
    const gate = new Promise<void>((resolve) => open = resolve)
    const opening = new Promise<void>((resolve) => {
      cipher.before = (what) => {
        if (what === 'open') resolve()
        return what === 'open' ? gate : undefined
      }
    })
    await room.publish('chat.message', says('1'))
    await opening
    room.leave()
    open()
    await client.request('chat.stats', {}, { room: 'africa' })
    assert.deepEqual([transcript.seqs, room.cursor?.seq], [[], 0])
  }))
