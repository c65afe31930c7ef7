import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

/** What the server asks its clients. */
export function clientRequests(host: HostName): void {
  row(host, 'requests', (test) => {
    const server = served({ host, events: true })

    async function asked(command: string): Promise<{ client: WireClient; session: string; ref: string }> {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send(command)
      const { ref, payload } = await client.next({ type: 'call.offer', kind: 'request' })
      assert.deepEqual(payload, { from: 'the server' })
      return { client, session, ref: ref! }
    }
    const answer = async (session: string) => (await server().event({ type: 'answer', session }))['answer']

    test('P3 a client answers the server, and the reply is checked by the contract', async () => {
      const { client, session, ref } = await asked('!ask 20000')
      client.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: true } })
      assert.equal(await answer(session), 'true')
      await client.close()
    })

    test('P3 a handler may wait for the very client whose message it handles', async () => {
      const { client, session, ref } = await asked('!wait 20000')
      client.send({ type: 'session.ping', ref: 'behind' })
      client.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: false } })
      assert.equal(await answer(session), 'false')
      await client.next({ type: 'session.pong', ref: 'behind' })
      await client.close()
    })

    test('P3 a reply that does not fit the contract is invalid_payload', async () => {
      const { client, session, ref } = await asked('!ask 20000')
      client.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: 'maybe' } })
      assert.equal(await answer(session), 'invalid_payload')
      await client.close()
    })

    test('P3 an error that a client answers keeps its code; one that is none of ours is internal', async () => {
      for (const [code, expected] of [['forbidden', 'forbidden'], ['constructor', 'internal'], [7, 'internal']]) {
        const { client, session, ref } = await asked('!ask 20000')
        client.send({ type: 'error', kind: 'reply', ref, payload: { code, message: 'no' } })
        assert.equal(await answer(session), expected)
        await client.close()
      }
    })

    test('P3 no answer in time is timeout, and the late one is dropped without harm', async () => {
      const { client, session, ref } = await asked('!ask 20')
      assert.equal(await answer(session), 'timeout')
      client.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: true } })
      await client.ping()
      await client.close()
    })

    test('P3 a client that leaves before it answers is disconnected', async () => {
      const { client, session } = await asked('!ask 20000')
      await client.close()
      assert.equal(await answer(session), 'disconnected')
    })

    test('replies to references that were never given are dropped, in any number and shape', async () => {
      const client = await WireClient.open(server().port)
      for (const ref of ['s1', 's999', '', '__proto__', 7]) {
        client.send({ type: 'call.offer', kind: 'reply', ref, payload: { accepted: true } })
        client.send({ type: 'error', kind: 'reply', ref, payload: null })
        client.send({ type: 'nobody.knows', kind: 'reply', ref })
      }
      client.send({ type: 'call.offer', kind: 'reply', payload: {} })
      await client.ping()
      assert.deepEqual(client.unread.filter(({ type }) => type === 'error'), [])
      await client.close()
    })
  })
}
