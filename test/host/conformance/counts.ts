import assert from 'node:assert/strict'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { withExtras } from './extras.ts'
import { row, served } from './rows.ts'

/** What a server counts by type, where it is asked to. */
export function typeCounts(host: HostName): void {
  row(host, 'counts', (test) => {
    const server = served(withExtras(host))
    const counted = async () => {
      const text = await (await fetch(`${server().url}/metrics`)).text()
      return (name: string, type: string) => {
        const line = text.split('\n').find((line) => line.startsWith(`rotunda_${name}{`) && line.includes(`"${type}"`))
        return Number(line?.split(' ').at(-1) ?? 0)
      }
    }

    test('M1 messages are counted and timed by their type, failures too; a type nobody knows is none', async () => {
      const client = await WireClient.open(server().port)
      const before = await counted()
      for (const ref of ['1', '2', '3']) client.send({ type: 'chat.stats', room: 'counted', ref, payload: {} })
      client.send({ type: 'chat.stats', room: 'counted', ref: 'bad', payload: 7 })
      client.send({ type: 'made.up', ref: 'unknown', payload: {} })
      await client.errorOf('unknown')
      const after = await counted()
      const more = (name: string, type: string) => after(name, type) - before(name, type)
      assert.deepEqual([
        more('handling_seconds_count', 'chat.stats'),
        more('handling_failures_total', 'chat.stats'),
        after('handling_seconds_count', 'made.up'),
      ], [4, 1, 0])
      assert.ok(more('handling_seconds_sum', 'chat.stats') > 0)
      await client.close()
    })
  })
}
