import assert from 'node:assert/strict'
import test from 'node:test'
import { memoryStore } from '../../src/mod.ts'
import { FakeCipher } from '../support/fake_cipher.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { once, range, says, Transcript } from '../support/with_client.ts'
import { type FixtureClient, withHub } from '../support/with_hub.ts'

type FixtureRoom = ReturnType<FixtureClient['join']>

/** All that a room tells of its log, in order: seqs, and gaps as what is missing. */
function toldBy(room: FixtureRoom): unknown[] {
  const told: unknown[] = []
  room.on('chat.message', ({ seq }) => told.push(seq))
  room.onGap(({ code, missed, cursor }) => told.push([code, missed, cursor, room.cursor?.seq]))
  return told
}

/** A room of which a client has read the first messages before its connection was lost for good. */
async function away(
  test: (scene: {
    told: unknown[]
    room: FixtureRoom
    /** Publishes so many more, and removes the room's first messages. */
    meanwhile(count: number, trimmed: number): Promise<void>
    /** Comes back, and waits until the client has read another message, published now. */
    comeBack(): Promise<void>
  }) => Promise<void>,
): Promise<void> {
  const store = memoryStore()
  await withHub({ store }, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    const told = toldBy(room)
    const transcript = new Transcript(room)
    const writer = connect().join('africa')
    await once(room.onJoined.bind(room))
    for (const n of range(1, 3)) await writer.publish('chat.message', says(`${n}`))
    await transcript.has(3)
    client.close()
    await test({
      told,
      room,
      async meanwhile(count, trimmed) {
        await Promise.all(range(1, count).map((n) => writer.publish('chat.message', says(`more ${n}`))))
        await store.trim('africa', trimmed)
      },
      async comeBack() {
        client.close()
        client.connect()
        await once(room.onJoined.bind(room))
        const { seq } = await writer.publish('chat.message', says('last'))
        while (room.cursor!.seq < seq) await once((handler: () => void) => room.on('chat.message', handler))
      },
    })
  })
}

test('L7 a client that was away too long is told what it will never get, and gets the rest', () =>
  away(async ({ told, room, meanwhile, comeBack }) => {
    await meanwhile(7, 8)
    await comeBack()
    assert.deepEqual(told, [1, 2, 3, ['history_trimmed', { from: 4, to: 8 }, 8, 8], 9, 10, 11])
    assert.equal(room.cursor?.seq, 11)
  }))

test('L7 a client of which nothing is left that it missed is told so, and goes on with what is new', () =>
  away(async ({ told, meanwhile, comeBack }) => {
    await meanwhile(7, 10)
    await comeBack()
    assert.deepEqual(told, [1, 2, 3, ['history_trimmed', { from: 4, to: 10 }, 10, 10], 11])
  }))

test('L7 a client that had read all that was removed is told nothing', () =>
  away(async ({ told, meanwhile, comeBack }) => {
    await meanwhile(2, 3)
    await comeBack()
    assert.deepEqual(told, range(1, 6))
  }))

test('L7 a gap is told once, however often the client comes back', () =>
  away(async ({ told, meanwhile, comeBack }) => {
    await meanwhile(7, 8)
    await comeBack()
    await comeBack()
    assert.deepEqual(told, [1, 2, 3, ['history_trimmed', { from: 4, to: 8 }, 8, 8], ...range(9, 12)])
  }))

test('L7 what a rule of the hub removes while a client is away is a gap like any other', () => {
  const store = memoryStore()
  const retention = [{ rooms: 'africa', maxMessages: 5 }]
  return withHub({ store, retention, retentionInterval: 0.01 }, async ({ connect }) => {
    const client = connect()
    const room = client.join('africa')
    const told = toldBy(room)
    await room.publish('chat.message', says('1'))
    if (told.length === 0) await once((handler: () => void) => room.on('chat.message', handler))
    client.close()
    const writer = connect().join('africa')
    for (const n of range(2, 30)) await writer.publish('chat.message', says(`${n}`))
    while ((await store.extent('africa')).trimmed < 25) await new Promise((resolve) => setTimeout(resolve, 5))
    client.connect()
    const transcript = new Transcript(room)
    await transcript.has(5)
    assert.deepEqual(told, [1, ['history_trimmed', { from: 2, to: 25 }, 25, 25], ...range(26, 30)])
  })
})

test('L7 what is removed while a slow client has yet to fetch it is told as a gap, in its turn', () => {
  const store = memoryStore()
  return withHub({ store, encrypted: ['secret-*'] }, async ({ connect }) => {
    const count = 2_500
    const writer = connect().join('secret-1', { cipher: new FakeCipher() })
    await Promise.all(range(1, count).map((n) => writer.publish('chat.message', says(`${n}`))))
    const cipher = new FakeCipher()
    let open = () => {}
    const gate = new Promise<void>((resolve) => open = resolve)
    cipher.before = () => gate
    const tamper: Tamper = { sockets: [] }
    // Of all that was sent it has taken what it can hold when it asks for the rest.
    const asked = new Promise<void>((resolve) => {
      tamper.outgoing = (envelopes) => {
        if (envelopes.some(({ type }) => type === 'room.history')) resolve(store.trim('secret-1', 2_300).then(() => {}))
      }
    })
    const room = connect({ WebSocket: tamperedWebSocket(tamper) }).join('secret-1', { cipher, last: count })
    const told = toldBy(room)
    await asked
    const transcript = new Transcript(room)
    open()
    await transcript.has(1_000 + count - 2_300)
    const gap = ['history_trimmed', { from: 1_001, to: 2_300 }, 2_300, 2_300]
    assert.deepEqual(told, [...range(1, 1_000), gap, ...range(2_301, count)])
  })
})
