import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Publisher } from '../support/load.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { type HostName, HOSTS, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'
import { type Dashboard, expressionsOf } from './support/dashboard.ts'
import { type Prometheus, startPrometheus } from './support/prometheus.ts'

interface Result {
  readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[]
}

const dashboard = JSON.parse(readSource('examples/prometheus/dashboard.json').text) as Dashboard
/** Empty as long as nothing goes wrong: failures, drops, gaps over a day. */
const MAY_BE_EMPTY = / > 0\b/

/** A server under load, and who scrapes it. */
interface Scene {
  readonly server: SpawnedServer
  readonly prometheus: Prometheus
  readonly publisher: Publisher
}

async function start(host: HostName): Promise<Scene> {
  const server = await spawnServer({ host, metrics: true })
  const publisher = await Publisher.start(server.port, 'busy', 'p')
  const config = join(REPOSITORY, 'examples/prometheus/prometheus.yml')
  return { server, publisher, prometheus: await startPrometheus(config, `127.0.0.1:${server.port}`) }
}

const hosts = HOSTS.filter((name) => !name.startsWith('hono'))
// All at once: Prometheus looks for its targets five seconds after it was started.
const scenes = new Map(hosts.map((host) => [host, start(host)]))
for (const scene of scenes.values()) scene.catch(() => {})

for (const host of hosts) {
  describe(`a real Prometheus with examples/prometheus scrapes ${host} under load`, { timeout: 60_000 }, () => {
    let server: SpawnedServer
    let prometheus: Prometheus
    let publisher: Publisher

    before(async () => {
      const scene = await scenes.get(host)!
      server = scene.server
      prometheus = scene.prometheus
      publisher = scene.publisher
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
      // Scraped after the client came.
      assert.equal((await until('rotunda_sessions == 2')).length, 1)
      assert.equal((await until('up{job="rotunda"} == 1')).length, 1)
      const targets = await prometheus.ask<{ activeTargets: unknown[] }>('targets')
      assert.equal(targets.activeTargets.length, 1)
      assert.equal(scrapes.length, 1)
      for (const expression of expressionsOf(dashboard)) {
        // A scrape that a busy machine is too slow for leaves nothing behind until the next.
        const result = await (MAY_BE_EMPTY.test(expression) ? query(expression) : until(expression))
        assert.ok(result.length > 0 || MAY_BE_EMPTY.test(expression), `nothing for ${expression}`)
      }
      assert.equal((await until('sum(rate(rotunda_stored_messages_total[1m])) > 0')).length, 1)
      const [quantile] = await until(
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
      assert.equal((await until('rotunda_commit_failures_total'))[0]?.value[1], '0')
    })
  })
}
