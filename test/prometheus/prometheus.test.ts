import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Publisher } from '../support/load.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { HOSTS, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'
import { type Dashboard, expressionsOf } from './support/dashboard.ts'
import { type Prometheus, startPrometheus } from './support/prometheus.ts'

interface Result {
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[]
}

const dashboard = JSON.parse(readSource('examples/prometheus/dashboard.json').text) as Dashboard
/** Empty as long as nothing goes wrong: failures, drops, gaps over a day. */
const MAY_BE_EMPTY = / > 0\b/

for (const host of HOSTS.filter((name) => !name.startsWith('hono'))) {
  describe(`a real Prometheus with examples/prometheus scrapes ${host} under load`, { timeout: 60_000 }, () => {
    let server: SpawnedServer
    let prometheus: Prometheus
    let publisher: Publisher

    before(async () => {
      server = await spawnServer({ host, metrics: true })
      publisher = await Publisher.start(server.port, 'busy', 'p')
      const config = join(REPOSITORY, 'examples/prometheus/prometheus.yml')
      prometheus = await startPrometheus(config, `127.0.0.1:${server.port}`)
    })
    after(async () => {
      await publisher.stop()
      await prometheus.stop()
      await server.stop()
    })

    const query = async (expression: string) => (await prometheus.ask<Result>('query', { query: expression })).result

    /** Resolves when a query gives something. */
    async function until(expression: string): Promise<Result['result']> {
      const deadline = Date.now() + 30_000
      for (;;) {
        const result = await query(expression)
        if (result.length > 0 || Date.now() > deadline) return result
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }

    test('every query of the dashboard gives something, and every alert can be judged', async () => {
      const client = await WireClient.open(server.port)
      client.send({ type: 'room.join', room: 'busy', ref: 'j' })
      await client.next({ type: 'room.joined', ref: 'j' })
      const scrapes = await until('count_over_time(rotunda_sessions{job="rotunda"}[5m]) >= 3')
      const targets = await prometheus.ask<{ activeTargets: { health: string; lastError: string }[] }>('targets')
      assert.deepEqual(targets.activeTargets.map(({ health, lastError }) => [health, lastError]), [['up', '']])
      assert.equal(scrapes.length, 1)
      for (const expression of expressionsOf(dashboard)) {
        const result = await query(expression)
        assert.ok(result.length > 0 || MAY_BE_EMPTY.test(expression), `nothing for ${expression}`)
      }
      assert.equal((await query('rotunda_sessions'))[0]?.value[1], '2')
      assert.ok(Number((await query('sum(rate(rotunda_stored_messages_total[1m]))'))[0]?.value[1]) > 0)
      const [quantile] = await query(
        'histogram_quantile(0.99, sum by (le) (rate(rotunda_delivery_seconds_bucket[1m])))',
      )
      assert.ok(Number(quantile?.value[1]) > 0, JSON.stringify(quantile))

      const { groups } = await prometheus.ask<{ groups: { rules: { name: string; lastError?: string }[] }[] }>('rules')
      const rules = groups.flatMap((group) => group.rules)
      assert.equal(rules.length, readSource('examples/prometheus/alerts.yml').text.match(/- alert:/g)?.length)
      assert.deepEqual(rules.filter(({ lastError }) => lastError !== undefined && lastError !== ''), [])
      await client.close()
    })

    test('counters that Prometheus keeps agree with what publishers were told', async () => {
      await publisher.stop()
      const stored = publisher.acked.length
      const result = await until(`rotunda_stored_messages_total == ${stored}`)
      assert.equal(
        result.length,
        1,
        `${stored} were stored, ${JSON.stringify(await query('rotunda_stored_messages_total'))}`,
      )
      assert.equal((await query('rotunda_commit_failures_total'))[0]?.value[1], '0')
    })
  })
}
