import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Exposition, scrape } from '../support/exposition.ts'
import { namesOf } from '../support/promql.ts'
import { promtool } from '../support/promtool.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { WireClient } from '../support/wire_client.ts'
import { type Dashboard, expressionsOf } from './support/dashboard.ts'

const ALERTS = join(REPOSITORY, 'examples/prometheus/alerts.yml')
/** What Prometheus itself makes of every target. */
const OF_TARGETS = ['up', 'scrape_duration_seconds']
/** What Prometheus adds to every series, and what rotunda adds where there are several hubs. */
const EVERYWHERE = ['job', 'instance', 'node']

const alerts = readSource('examples/prometheus/alerts.yml').text
const dashboard = JSON.parse(readSource('examples/prometheus/dashboard.json').text) as Dashboard
const inDashboard = expressionsOf(dashboard)
const inAlerts = [...alerts.matchAll(/^ +expr: (.*)$/gm)].map(([, expression]) => expression!)

describe('examples/prometheus', () => {
  let server: SpawnedServer
  let scraped: Exposition

  before(async () => {
    server = await spawnServer({ metrics: true })
    const client = await WireClient.open(server.port)
    await client.ping()
    scraped = await scrape(server.url)
    await client.close()
  })
  after(() => server.stop())

  test('the expressions are found', () => {
    assert.ok(inDashboard.length > 60 && inAlerts.length === alerts.match(/- alert:/g)?.length)
    const { metrics, grouping } = namesOf('sum by (a, b) (rate(m_x{c="{}d", e=~".*"}[5m])) / on(f) m_y > 0 and up')
    assert.deepEqual([...metrics].map(([name, labels]) => [name, ...labels]), [['m_x', 'c', 'e'], ['m_y'], ['up']])
    assert.deepEqual([...grouping], ['a', 'b', 'f'])
  })

  test('dashboard and alerts ask for metrics and labels that a real server tells', () => {
    for (const expression of [...inDashboard, ...inAlerts]) {
      const { metrics, grouping } = namesOf(expression)
      assert.ok(metrics.size > 0, expression)
      const labels = new Set(EVERYWHERE)
      for (const [metric, matched] of metrics) {
        const series = scraped.series.filter(({ name }) => name === metric)
        assert.ok(series.length > 0 || OF_TARGETS.includes(metric), `no ${metric}: ${expression}`)
        const own = new Set(series.flatMap((one) => Object.keys(one.labels)))
        for (const label of matched) {
          assert.ok(own.has(label) || EVERYWHERE.includes(label), `${metric} has no ${label}: ${expression}`)
        }
        for (const label of own) labels.add(label)
      }
      for (const label of grouping) assert.ok(labels.has(label), `nothing has ${label}: ${expression}`)
    }
  })

  test('codes that are asked for are codes', () => {
    const asked = [...inDashboard, ...inAlerts].flatMap((one) => [...one.matchAll(/(rotunda_\w+)\{[^}]*code="(\w+)"/g)])
    assert.ok(asked.length >= 4)
    for (const [, metric, code] of asked) assert.equal(scraped.values(metric!, { code: code! }).length, 1, `${code}`)
  })

  test('every rotunda metric is on the dashboard', () => {
    const shown = new Set(inDashboard.flatMap((expression) => [...namesOf(expression).metrics.keys()]))
    const isShown = (family: string) => [...shown].some((name) => name.replace(/_(?:bucket|sum|count)$/, '') === family)
    const missing = [...scraped.types.keys()].filter((family) => !shown.has(family) && !isShown(family))
    assert.deepEqual(missing, [])
  })

  test('promtool takes every query of the dashboard', async () => {
    const dir = await tempDir()
    const rules = inDashboard.map((expr, i) => ({ record: `query:${i}`, expr }))
    const file = join(dir.path, 'queries.yml')
    // JSON is YAML.
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    assert.equal(await promtool(['check', 'rules', file]), '')
    await dir.remove()
  })

  test('panels do not lie on each other, and all ask the data source that is chosen', () => {
    const taken = new Set<string>()
    const ids = dashboard.panels.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (const { title, gridPos: { x, y, w, h }, targets = [], datasource } of dashboard.panels) {
      assert.ok(x + w <= 24, title)
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          assert.ok(!taken.has(`${column} ${line}`), `${title} lies on another panel`)
          taken.add(`${column} ${line}`)
        }
      }
      for (const asked of targets) {
        assert.deepEqual(asked.datasource, { type: 'prometheus', uid: '${datasource}' }, title)
      }
      if (targets.length > 0) assert.equal(datasource?.uid, '${datasource}', title)
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
    }
  })

  test('promtool takes the alerts and the configuration', async () => {
    assert.equal(await promtool(['check', 'rules', '--lint=all', '--lint-fatal', ALERTS]), '')
    assert.equal(await promtool(['check', 'config', join(REPOSITORY, 'examples/prometheus/prometheus.yml')]), '')
  })

  test('alerts fire for what they are for and for nothing else', async () => {
    const cases = readSource('test/prometheus/alerts.test.yml').text
    for (const [, name] of alerts.matchAll(/- alert: (\w+)/g)) assert.ok(cases.includes(name!), `${name} has no case`)
    assert.equal(await promtool(['test', 'rules', join(REPOSITORY, 'test/prometheus/alerts.test.yml')]), '')
  })
})
