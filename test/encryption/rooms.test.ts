import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type EncryptedPayload,
  encryption,
  generateKey,
  type RoomKeys,
  roomKeys,
  type RoomKeysOptions,
} from '../../src/client/encryption/mod.ts'
import type { Cipher } from '../../src/client/mod.ts'
import { type Envelope, RotundaError } from '../../src/mod.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { type ChatClient, type ClientFixture, once, range, reached, says, withClient } from '../support/with_client.ts'

const ROOM = 'secret-1'
const K1 = generateKey()
const K2 = generateKey()
const both = { k1: K1, k2: K2 }

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code

const withRooms = (body: (fixture: ClientFixture) => Promise<void>) => withClient({ encrypted: ['secret-*'] }, body)

function cipherOf(options: RoomKeysOptions = { current: 'k1', keys: both }): Cipher {
  return encryption(roomKeys(options))
}

/** All that a room tells, as short texts in order, and a way to wait until there is so much of it. */
class Log {
  readonly entries: string[] = []
  readonly room: ReturnType<ChatClient['join']>
  #look = () => {}

  constructor(client: ChatClient, cipher: Cipher, from: { last?: number } = { last: 100 }, name = ROOM) {
    this.room = client.join(name, { last: from.last ?? 0, cipher })
    this.room.on('chat.message', ({ seq, payload }) => this.#add(`${seq} ${payload.text}`))
    this.room.on('chat.typing', ({ payload }) => this.#add(`typing ${payload.user}`))
    this.room.onError(({ code }, about) => this.#add(`${about.seq ?? about.type} ${code}`))
  }

  async has(count: number): Promise<string[]> {
    while (this.entries.length < count) await new Promise<void>((resolve) => this.#look = resolve)
    return this.entries
  }

  #add(entry: string): void {
    this.entries.push(entry)
    this.#look()
  }
}

describe('an encrypted room', () => {
  test('gives members what they said, in order: live, replayed, in the history, and what is not stored', () =>
    withRooms(async ({ connect }) => {
      const [ana, ben] = [new Log(connect(), cipherOf()), new Log(connect(), cipherOf())]
      await Promise.all([ana, ben].map(({ room }) => once((told: () => void) => room.onJoined(told))))
      const texts = range(1, 300).map((n) => `message ${n}`)
      const places = await Promise.all(texts.map((text) => ana.room.publish('chat.message', says(text))))
      assert.deepEqual(places.map(({ seq }) => seq), range(1, 300))
      ana.room.publish('chat.typing', { user: 'Ana' })
      const expected = [...texts.map((text, index) => `${index + 1} ${text}`), 'typing Ana']
      assert.deepEqual(await ben.has(301), expected)
      assert.deepEqual(await ana.has(301), expected)
      assert.deepEqual(await new Log(connect(), cipherOf()).has(100), expected.slice(200, 300))
      const history: string[] = []
      for await (const { seq, payload } of ben.room.history({ limit: 70 })) history.push(`${seq} ${payload.text}`)
      assert.deepEqual(history, expected.slice(0, 300).reverse())
    }))

  test('resumes after a lost connection, and stores once what is sent again', () =>
    withRooms(async ({ connect }) => {
      const tamper: Tamper = { sockets: [] }
      const client = connect({ WebSocket: tamperedWebSocket(tamper), ackTimeout: 60_000 })
      const [ana, ben] = [new Log(client, cipherOf()), new Log(connect(), cipherOf())]
      await ana.room.publish('chat.message', says('first'))
      const sent: unknown[] = []
      tamper.outgoing = (envelopes) => {
        for (const { type, payload } of envelopes) if (type === 'chat.message') sent.push(payload)
      }
      // Stored, and its ack lost with the connection.
      tamper.incoming = (envelope) => {
        if (envelope.type !== 'ack') return envelope
        tamper.incoming = undefined
        tamper.sockets.at(-1)!.close()
        return undefined
      }
      const { seq } = await ana.room.publish('chat.message', says('second'))
      assert.equal(seq, 2)
      assert.equal(sent.length, 2)
      // The same bytes: encrypted again it would be another message under the same key.
      assert.deepEqual(sent[1], sent[0])
      await ben.room.publish('chat.message', says('third'))
      assert.deepEqual(await ana.has(3), ['1 first', '2 second', '3 third'])
      assert.deepEqual(await ben.has(3), ['1 first', '2 second', '3 third'])
    }))

  test('checks the contract before it encrypts and after it has decrypted', () =>
    withRooms(async ({ connect }) => {
      const cipher = cipherOf()
      const client = connect()
      const ana = new Log(client, cipher)
      await assert.rejects(ana.room.publish('chat.message', says('')), failsWith('invalid_payload'))
      // One of us who does not check.
      const unchecked = {
        ...cipher,
        seal: () => cipher.seal({ text: 7 }, { room: ROOM, type: 'chat.message', key: 'x' }),
      }
      await connect().join(ROOM, { cipher: unchecked }).publish('chat.message', says('fits'), { key: 'x' })
      await ana.room.publish('chat.message', says('after'))
      assert.deepEqual(await ana.has(2), ['1 invalid_payload', '2 after'])
    }))

  test('refuses who forgot the cipher: nothing is stored or delivered', () =>
    withRooms(async ({ connect }) => {
      const ana = new Log(connect(), cipherOf())
      const forgetful = connect().join(ROOM)
      await assert.rejects(forgetful.publish('chat.message', says('plain')), failsWith('plaintext_refused'))
      assert.equal((await ana.room.publish('chat.message', says('sealed'))).seq, 1)
      assert.deepEqual(await ana.has(1), ['1 sealed'])
    }))

  test('keeps the order of calls although one must wait for its key', () =>
    withRooms(async ({ connect }) => {
      const found = Promise.withResolvers<string>()
      const keys = roomKeys({ current: 'k2', keys: { k1: K1 }, lookup: () => found.promise })
      const ana = new Log(connect(), encryption(keys))
      const first = ana.room.publish('chat.message', says('first'))
      keys.rotate('k1')
      const second = ana.room.publish('chat.message', says('second'))
      found.resolve(K2)
      assert.deepEqual([(await first).seq, (await second).seq], [1, 2])
      assert.deepEqual(await ana.has(2), ['1 first', '2 second'])
    }))

  test('does not publish without a key, and publishes again with one', () =>
    withRooms(async ({ connect }) => {
      const keys = roomKeys({ current: 'k9', keys: both, lookup: () => undefined })
      const ana = new Log(connect(), encryption(keys))
      await assert.rejects(ana.room.publish('chat.message', says('x')), failsWith('unknown_encryption_key'))
      ana.room.publish('chat.typing', { user: 'Ana' })
      assert.deepEqual(await ana.has(1), ['chat.typing unknown_encryption_key'])
      keys.rotate('k1')
      assert.equal((await ana.room.publish('chat.message', says('y'))).seq, 1)
    }))
})

describe('rotation', () => {
  /** Three messages, of which the second has a new key. */
  async function rotated({ connect }: ClientFixture): Promise<void> {
    const keys: RoomKeys = roomKeys({ current: 'k1', keys: both })
    const room = connect().join(ROOM, { cipher: encryption(keys) })
    await room.publish('chat.message', says('one'))
    keys.rotate('k2')
    await room.publish('chat.message', says('two'))
    keys.rotate('k1')
    await room.publish('chat.message', says('three'))
  }

  test('leaves old messages legible to who has both keys', () =>
    withRooms(async (fixture) => {
      await rotated(fixture)
      const ben = new Log(fixture.connect(), cipherOf({ current: 'k2', keys: both }))
      assert.deepEqual(await ben.has(3), ['1 one', '2 two', '3 three'])
    }))

  test('is a typed error of each message for who has not, live and in the history, and the others are delivered', () =>
    withRooms(async (fixture) => {
      await rotated(fixture)
      const ben = new Log(fixture.connect(), cipherOf({ current: 'k1', keys: { k1: K1 } }))
      assert.deepEqual(await ben.has(3), ['1 one', '2 unknown_encryption_key', '3 three'])
      assert.equal(ben.room.cursor?.seq, 3)
      const history: number[] = []
      for await (const { seq } of ben.room.history()) history.push(seq)
      assert.deepEqual(history, [3, 1])
      assert.deepEqual(await ben.has(4), ['1 one', '2 unknown_encryption_key', '3 three', '2 unknown_encryption_key'])
    }))

  test('gives the message to who gets the key later', () =>
    withRooms(async (fixture) => {
      await rotated(fixture)
      const keys = roomKeys({ current: 'k1', keys: { k1: K1 } })
      const ben = new Log(fixture.connect(), encryption(keys))
      await ben.has(3)
      keys.add('k2', K2)
      const history: string[] = []
      for await (const { payload } of ben.room.history()) history.push(payload.text)
      assert.deepEqual(history, ['three', 'two', 'one'])
    }))

  test('is followed by who fetches keys when they are needed, without a message out of order', () =>
    withRooms(async (fixture) => {
      await rotated(fixture)
      const asked: string[] = []
      const client = fixture.connect()
      const allArrived = once((told: () => void) =>
        client.onMessage((frame) => String(frame).includes('"seq":3') ? told() : undefined)
      )
      const lookup = async (kid: string) => {
        asked.push(kid)
        await allArrived
        return kid === 'k2' ? K2 : undefined
      }
      const ben = new Log(client, cipherOf({ current: 'k1', keys: { k1: K1 }, lookup }))
      assert.deepEqual(await ben.has(3), ['1 one', '2 two', '3 three'])
      assert.deepEqual(asked, ['k2'])
    }))

  test('to another key under the same id is an error of each message, too', () =>
    withRooms(async (fixture) => {
      await rotated(fixture)
      const ben = new Log(fixture.connect(), cipherOf({ current: 'k1', keys: { k1: K1, k2: generateKey() } }))
      assert.deepEqual(await ben.has(3), ['1 one', '2 decryption_failed', '3 three'])
    }))
})

describe('a hostile server', () => {
  /** Ben in a room with three messages, the second of which the server changes: live, fetched and in the history. */
  async function tampered(
    { connect }: ClientFixture,
    change: (second: Envelope, first: Envelope) => Partial<Envelope>,
  ): Promise<string[]> {
    const ana = new Log(connect(), cipherOf())
    for (const text of ['one', 'two', 'three']) await ana.room.publish('chat.message', says(text))
    const seen = new Map<number, Envelope>()
    const changed = (envelope: Envelope): Envelope => {
      if (envelope.seq !== undefined) seen.set(envelope.seq, envelope)
      return envelope.seq === 2 ? { ...envelope, ...change(envelope, seen.get(1)!) } : envelope
    }
    const tamper: Tamper = { sockets: [], incoming: changed }
    const ben = new Log(connect({ WebSocket: tamperedWebSocket(tamper) }), cipherOf())
    const entries = [...await ben.has(3)]

    tamper.incoming = (envelope) => {
      const { messages, ...page } = envelope.payload as { messages?: Envelope[] }
      if (messages === undefined) return envelope
      const [third, second, first] = messages
      return { ...envelope, payload: { ...page, messages: [third, { ...second!, ...change(second!, first!) }, first] } }
    }
    const history: string[] = []
    for await (const { seq, payload } of ben.room.history()) history.push(`${seq} ${payload.text}`)
    assert.deepEqual(history, ['3 three', '1 one'])
    assert.deepEqual(await ben.has(4), [...entries, '2 decryption_failed'])
    // It goes on: what is genuine is delivered.
    tamper.incoming = undefined
    await ana.room.publish('chat.message', says('four'))
    assert.equal((await ben.has(5))[4], '4 four')
    return entries
  }

  const sealedOf = (envelope: Envelope) => envelope.payload as EncryptedPayload
  const flipped = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
  const changes: Record<string, (second: Envelope, first: Envelope) => Partial<Envelope>> = {
    'changes the ciphertext': (second) => ({ payload: { ...sealedOf(second), ct: flipped(sealedOf(second).ct) } }),
    'changes the iv': (second) => ({ payload: { ...sealedOf(second), iv: flipped(sealedOf(second).iv) } }),
    'changes the producer key': (second) => ({ payload: { ...sealedOf(second), key: 'another' } }),
    'changes the key id': (second) => ({ payload: { ...sealedOf(second), kid: 'k2' } }),
    'sends plaintext that fits the contract': () => ({ payload: { user: 'Ana', text: 'I never said that' } }),
    'sends no payload': () => ({ payload: null }),
    'repeats a message as another one': (_second, first) => ({ payload: first.payload }),
  }
  for (const [name, change] of Object.entries(changes)) {
    test(`that ${name} gets a decryption_failed, and nothing delivered`, () =>
      withRooms(async (fixture) => {
        assert.deepEqual(await tampered(fixture, change), ['1 one', '2 decryption_failed', '3 three'])
      }))
  }

  for (const claimed of ['secret-1', 'secret-2']) {
    test(`that puts a message of secret-2 into secret-1, as one of ${claimed}: decryption_failed`, () =>
      withRooms(async ({ connect }) => {
        const elsewhere = { room: 'secret-2', type: 'chat.message', key: 'x' }
        const payload = await cipherOf().seal(says('said elsewhere'), elsewhere)
        const ana = connect().join(ROOM, { cipher: cipherOf() })
        const tamper: Tamper = { sockets: [] }
        const ben = new Log(connect({ WebSocket: tamperedWebSocket(tamper) }), cipherOf())
        await once((told: () => void) => ben.room.onJoined(told))
        // The first message is lost, so that Ben asks for it; what he is given then is the other one.
        tamper.incoming = (envelope) => {
          if (envelope.seq === 1) return undefined
          const { messages, ...page } = (envelope.payload ?? {}) as { messages?: Envelope[] }
          if (messages === undefined) return envelope
          const moved = messages.map((entry) => entry.seq === 1 ? { ...entry, room: claimed, payload } : entry)
          return { ...envelope, payload: { ...page, messages: moved } }
        }
        await ana.publish('chat.message', says('one'))
        await ana.publish('chat.message', says('two'))
        assert.deepEqual(await ben.has(2), ['1 decryption_failed', '2 two'])
        const history: string[] = []
        for await (const { seq, payload } of ben.room.history()) history.push(`${seq} ${payload.text}`)
        assert.deepEqual(history, ['2 two'])
        assert.equal((await ben.has(3))[2], '1 decryption_failed')
      }))
  }

  test('that gives a message another type: decryption_failed', () =>
    withRooms(async ({ connect }) => {
      const ana = connect().join(ROOM, { cipher: cipherOf() })
      const tamper: Tamper = { sockets: [] }
      const ben = new Log(connect({ WebSocket: tamperedWebSocket(tamper) }), cipherOf())
      await once((told: () => void) => ben.room.onJoined(told))
      tamper.incoming = (envelope) => envelope.seq === undefined ? envelope : { ...envelope, type: 'chat.typing' }
      await ana.publish('chat.message', says('one'))
      assert.deepEqual(await ben.has(1), ['1 decryption_failed'])
    }))

  test('that makes up something that is not stored: decryption_failed', () =>
    withRooms(async ({ connect }) => {
      const ana = connect().join(ROOM, { cipher: cipherOf() })
      const tamper: Tamper = { sockets: [] }
      const client = connect({ WebSocket: tamperedWebSocket(tamper) })
      const ben = new Log(client, cipherOf())
      await Promise.all([reached(client, 'open'), once((told: () => void) => ben.room.onJoined(told))])
      tamper.incoming = (envelope) =>
        envelope.type === 'chat.typing' ? { ...envelope, payload: { user: 'Eve' } } : envelope
      ana.publish('chat.typing', { user: 'Ana' })
      assert.deepEqual(await ben.has(1), ['chat.typing decryption_failed'])
      tamper.incoming = undefined
      ana.publish('chat.typing', { user: 'Ana' })
      assert.deepEqual(await ben.has(2), ['chat.typing decryption_failed', 'typing Ana'])
    }))
})
