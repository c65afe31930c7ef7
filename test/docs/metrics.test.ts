import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SETTINGS } from '../../src/mod.ts'
import { Exposition } from '../support/exposition.ts'
import { testPage } from '../support/page.ts'
import { readSource } from '../support/source.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

testPage('docs/metrics.md', ['zod', 'hono', 'prom-client'])

const page = readSource('docs/metrics.md').text
const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => {
  return line.split('|').slice(1, -1).map((cell) => cell.trim().replaceAll('`', ''))
})

describe('docs/metrics.md', () => {
  test('lists what a real server tells, with its labels and meanings', async () => {
    const server = await spawnServer({ metrics: true })
    const client = await WireClient.open(server.port)
    await client.ping()
    const text = await (await fetch(`${server.url}/metrics`)).text()
    await client.close()
    await server.stop()
    const { types, series } = new Exposition(text)
    const told = [...types].map(([name, type]) => {
      const own = series.filter((one) => one.name.replace(/_(?:bucket|sum|count)$/, '') === name || one.name === name)
      const labels = new Set(own.flatMap((one) => Object.keys(one.labels)))
      labels.delete('le')
      const help = new RegExp(`^# HELP ${name} (.*)\\.$`, 'm').exec(text)?.[1]
      return [name, type, [...labels].join(', '), help]
    })
    assert.deepEqual(rows.filter(([name]) => /^(?:rotunda|process)_/.test(name!)), told)
  })

  test('names settings and their defaults as they are', () => {
    const expected = SETTINGS.filter(({ path }) => path.startsWith('metrics.')).map(({ variable, standard }) => {
      return `${variable} ${standard === '' ? 'none' : standard}`
    })
    const named = rows.filter(([name]) => name!.startsWith('METRICS_')).map(([name, standard]) => `${name} ${standard}`)
    assert.deepEqual(named.sort(), expected.sort())
  })

  test('names metrics that there are, wherever it names one', () => {
    const names = new Set(rows.map(([name]) => name))
    const mentioned = [...page.matchAll(/`((?:rotunda|process)_\w+)/g)].map(([, name]) => name!)
    for (const name of mentioned) {
      assert.ok(names.has(name) || [...names].some((one) => name.endsWith('_') && one!.startsWith(name)), name)
    }
  })
})
