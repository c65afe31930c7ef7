import assert from 'node:assert/strict'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

const VARIANTS: readonly [name: string, protocols: string[]][] = [['batches', ['rotunda.v1.json']], ['single', []]]

async function member({ port }: SpawnedServer, protocols: string[], room: string): Promise<WireClient> {
  const client = await WireClient.open(port, protocols)
  client.send({ type: 'room.join', room, ref: 'j' })
  await client.next({ type: 'room.joined', ref: 'j' })
  return client
}

async function users(client: WireClient, count: number): Promise<string[]> {
  const users: string[] = []
  while (users.length < count) {
    const { payload } = await client.next({ type: 'chat.typing' })
    users.push((payload as { user: string }).user)
  }
  return users
}

/** What is said one after the other is heard one after the other. */
export function order(host: HostName): void {
  row(host, 'order', (test) => {
    const server = served({ host, events: true })

    for (const [variant, protocols] of VARIANTS) {
      test(`direct sends and room messages keep the order of the calls (${variant})`, async () => {
        const room = `mixed ${variant}`.replace(' ', '-')
        const client = await member(server(), protocols, room)
        client.send(`!mixed ${room} 500`)
        assert.deepEqual(await users(client, 1_000), Array.from({ length: 1_000 }, (_, i) => `${i}`))
        await client.close()
      })

      test(`who leaves gets what was said before, and nothing of what is said after (${variant})`, async () => {
        const room = `parting-${variant}`
        const client = await member(server(), protocols, room)
        const other = await member(server(), protocols, room)
        client.send(`!parting ${room} 50`)
        assert.deepEqual(await users(client, 51), [...Array.from({ length: 50 }, (_, i) => `${i}`), 'end'])
        await client.next({ type: 'room.left', room })
        assert.equal((await users(other, 100)).filter((user) => user === 'too late').length, 50)
        await client.ping()
        assert.equal(client.unread.some(({ type }) => type === 'chat.typing'), false)
        await Promise.all([client.close(), other.close()])
      })
    }

    test('a client with batches and one without get the same, each in its own frames', async () => {
      const [batches, single] = await Promise.all(VARIANTS.map(([, variant]) => member(server(), variant, 'both')))
      const said = Array.from({ length: 300 }, (_, i) => ({
        type: 'chat.message',
        room: 'both',
        payload: { user: 'a', text: `${i}` },
      }))
      batches!.send(said)
      const heard = async (client: WireClient) => {
        const texts: unknown[] = []
        while (texts.length < said.length) {
          const { seq, payload } = await client.next({ type: 'chat.message' })
          texts.push([seq, (payload as { text: string }).text])
        }
        return texts
      }
      const expected = said.map(({ payload }, i) => [i + 1, payload.text])
      assert.deepEqual(await Promise.all([heard(batches!), heard(single!)]), [expected, expected])
      assert.equal(single!.frames.some((frame) => frame.startsWith('[')), false)
      assert.ok(batches!.frames.length < single!.frames.length / 2, `${batches!.frames.length} frames`)
      await Promise.all([batches!.close(), single!.close()])
    })
  })
}
