import assert from 'node:assert/strict'
import { flatbuffers } from '../../../adapters/flatbuffers/mod.ts'
import { createClient } from '../../../src/client/mod.ts'
import { fixture } from '../../support/hosts/fixture_protocol.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { says } from '../../support/with_client.ts'
import { WireClient } from '../../support/wire_client.ts'
import { withExtras } from './extras.ts'
import { row, served } from './rows.ts'

/** Requests of rotunda itself that the application answers in its place. */
export function overrides(host: HostName): void {
  row(host, 'overrides', (test) => {
    const server = served(withExtras(host))

    test('P6 the application’s answer is the answer; what it throws is the error', async () => {
      const client = await WireClient.open(server().port)
      client.send('!user ana')
      client.send({ type: 'session.whoami', ref: 'who' })
      const { kind, payload } = await client.next({ type: 'session.whoami', ref: 'who' })
      assert.deepEqual([kind, payload], ['reply', { user: 'ana' }])
      client.send({ type: 'room.history', room: 'closed-archive', ref: 'closed', payload: {} })
      const { code, message } = await client.errorOf('closed')
      assert.deepEqual([code, message], ['forbidden', 'The archive is closed.'])
      await client.close()
    })

    test('P6 what it leaves to rotunda is as ever, over binary frames too', async () => {
      const url = `ws://127.0.0.1:${server().port}/ws`
      const client = createClient({ url, protocol: fixture, codec: flatbuffers })
      const room = client.join('archive')
      const { seq } = await room.publish('chat.message', says('kept'))
      const read = []
      for await (const message of room.history()) read.push(message.seq)
      assert.deepEqual(read, [seq])
      await assert.rejects(client.join('closed-archive').history().next(), { code: 'forbidden' })
      client.close()
    })
  })
}
