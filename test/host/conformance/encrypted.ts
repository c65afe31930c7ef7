import assert from 'node:assert/strict'
import { type EncryptedPayload, encryption, generateKey, roomKeys } from '../../../src/client/encryption/mod.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

async function member({ port }: SpawnedServer, room: string): Promise<WireClient> {
  const client = await WireClient.open(port)
  client.send({ type: 'room.join', room, ref: 'j' })
  await client.next({ type: 'room.joined', ref: 'j' })
  return client
}

/** Rooms whose content the server cannot read: it carries and keeps what it is given, and nothing legible. */
export function encryptedRooms(host: HostName): void {
  row(host, 'encrypted', (test) => {
    const server = served({ host, encrypted: ['secret-*'] })
    const cipher = encryption(roomKeys({ current: 'k1', keys: { k1: generateKey() } }))
    const seal = async (room: string, type: string, key: string, payload: unknown) =>
      await cipher.seal(payload, { room, type, key }) as EncryptedPayload

    test('plaintext is refused by name, stored or not, and the session lives', async () => {
      const [client, other] = await Promise.all([member(server(), 'secret-1'), member(server(), 'secret-1')])
      const payload = await seal('secret-1', 'chat.message', 'a', { user: 'Ana', text: 'Hello!' })
      const refused: [type: string, key: string | undefined, payload: unknown][] = [
        ['chat.message', 'a', { user: 'Ana', text: 'Hello!' }],
        ['chat.message', undefined, { user: 'Ana', text: 'Hello!' }],
        ['chat.typing', undefined, { user: 'Ana' }],
        ['chat.message', 'a', { ...payload, text: 'Hello!' }],
        ['chat.message', 'a', { ...payload, ct: 'Hello, Ben! How are you today and always' }],
        ['chat.message', 'b', payload],
        ['chat.typing', undefined, payload],
      ]
      for (const [index, [type, key, payload]] of refused.entries()) {
        client.send({ type, room: 'secret-1', ref: `${index}`, key, payload })
        assert.equal((await client.errorOf(`${index}`)).code, 'plaintext_refused', `${index}`)
      }
      client.send({ type: 'chat.message', room: 'secret-1', ref: 'last', key: 'a', payload })
      await client.next({ type: 'ack', ref: 'last' })
      await other.next({ type: 'chat.message', seq: 1 })
      assert.equal(other.frames.some((frame) => frame.includes('Ana') || frame.includes('Hello')), false)
      await Promise.all([client.close(), other.close()])
    })

    test('what is encrypted arrives unchanged: live, stored, replayed, in the history and over HTTP', async () => {
      const room = 'secret-2'
      const [ana, ben] = await Promise.all([member(server(), room), member(server(), room)])
      const message = await seal(room, 'chat.message', 'a:1', { user: 'Ana', text: 'Hello!' })
      const typing = await seal(room, 'chat.typing', '', { user: 'Ana' })
      ana.send({ type: 'chat.typing', room, payload: typing })
      ana.send({ type: 'chat.message', room, ref: '1', key: 'a:1', payload: message })
      await ana.next({ type: 'ack', ref: '1' })
      assert.deepEqual((await ben.next({ type: 'chat.typing' })).payload, typing)
      const live = await ben.next({ type: 'chat.message' })
      assert.deepEqual(live.payload, message)
      const opened = await cipher.open(live.payload, { room, type: live.type, seq: live.seq })
      assert.deepEqual(opened, { user: 'Ana', text: 'Hello!' })

      const late = await WireClient.open(server().port)
      late.send({ type: 'room.join', room, ref: 'j', payload: { last: 10 } })
      assert.deepEqual((await late.next({ type: 'chat.message', seq: 1 })).payload, message)
      late.send({ type: 'room.history', room, ref: 'h' })
      const page = (await late.next({ ref: 'h' })).payload as { messages: { payload: unknown }[] }
      assert.deepEqual(page.messages.map(({ payload }) => payload), [message])
      const answer = await fetch(`${server().url}/rooms/${room}/history`)
      const { messages } = await answer.json() as { messages: { payload: unknown }[] }
      assert.deepEqual(messages.map(({ payload }) => payload), [message])
      await Promise.all([ana.close(), ben.close(), late.close()])
    })

    test('other rooms take plaintext as ever', async () => {
      const client = await member(server(), 'open')
      client.send({ type: 'chat.message', room: 'open', ref: '1', payload: { user: 'Ana', text: 'Hello!' } })
      await client.next({ type: 'ack', ref: '1' })
      await client.close()
    })
  })
}
