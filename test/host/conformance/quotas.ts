import assert from 'node:assert/strict'
import { askServer, Poller } from '../../support/http_client.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { withExtras } from './extras.ts'
import { row, served } from './rows.ts'

const chunk = (ref: string) => ({ type: 'file.chunk', room: 'files', ref, encoding: 'base64', payload: 'AAAA' })
const offer = (ref: string) => ({ type: 'call.offer', ref, payload: { from: 'a' } })

/** What a session that does more than it may is told. */
export function quotas(host: HostName): void {
  row(host, 'quotas', (test) => {
    const server = served(withExtras(host))

    test('M4 what is over the quota is refused by name, and not stored; other types and other sessions go on', async () => {
      const [busy, other] = [await WireClient.open(server().port), await WireClient.open(server().port)]
      for (const ref of ['1', '2', '3']) busy.send(chunk(ref))
      for (const ref of ['1', '2']) await busy.next({ type: 'ack', ref })
      const { code, retryable } = await busy.errorOf('3')
      assert.deepEqual([code, retryable], ['quota_exceeded', true])
      busy.send({ type: 'chat.message', room: 'files', ref: 'else', payload: { user: 'a', text: 'hi' } })
      assert.equal(((await busy.next({ type: 'ack', ref: 'else' })).payload as { seq: number }).seq, 3)
      other.send(chunk('1'))
      await other.next({ type: 'ack', ref: '1' })
      await Promise.all([busy.close(), other.close()])
    })

    test('M4 a session over HTTP has the same quotas', async () => {
      const poller = await Poller.open(askServer(server().url), '')
      await poller.send(['1', '2', '3'].map(chunk))
      for (const ref of ['1', '2']) await poller.next({ type: 'ack', ref })
      const { payload } = await poller.next({ type: 'error', ref: '3' })
      assert.equal((payload as { code: string }).code, 'quota_exceeded')
    })

    test('M4 a quota that ends the session closes it with 4003', async () => {
      const client = await WireClient.open(server().port)
      for (const ref of ['1', '2', '3']) client.send(offer(ref))
      assert.equal((await client.closed).code, 4003)
      assert.equal((await client.errorOf(undefined)).code, 'quota_exceeded')
    })
  })
}
