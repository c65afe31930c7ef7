import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readSource } from '../support/source.ts'
import { type HostResult, ROWS, SUBSTITUTES } from './conformance/rows.ts'
import { conformanceTable, verdict } from './table.ts'

function results(...outcomes: Partial<HostResult>[]): HostResult[] {
  return outcomes.map((outcome) => ({ host: 'deno', row: 'pings', test: 't', outcome: 'passed', ...outcome }))
}

describe('the conformance table', () => {
  test('calls a row failed when one test failed, or was registered and never ended', () => {
    const registered = { outcome: 'registered' } as const
    assert.equal(verdict(results(registered, {}), 'pings', 'deno'), 'passed')
    assert.equal(verdict(results(registered, {}, registered), 'pings', 'deno'), 'failed')
    assert.equal(verdict(results(registered, {}, registered, { outcome: 'failed' }), 'pings', 'deno'), 'failed')
    assert.equal(verdict(results(registered, { substitute: 'no-ping' }), 'pings', 'deno'), 'substitute')
    assert.equal(verdict(results({ host: 'bun' }), 'pings', 'deno'), 'none')
    assert.equal(verdict(results({ row: 'order' }), 'pings', 'deno'), 'none')
  })

  test('has a line for every row, and says which substitutes were tested', () => {
    const printed = conformanceTable(results({ outcome: 'registered' }, { substitute: 'no-ping' }), ['bun', 'deno'])
    for (const title of Object.values(ROWS)) assert.ok(printed.includes(title), title)
    assert.match(printed, /Ping and pong frames +– {4}✓ s\n/)
    assert.ok(printed.includes(`${SUBSTITUTES['no-ping']} (Ping and pong frames; on deno)`), printed)
    assert.equal(printed.includes(SUBSTITUTES['no-terminate']), false)
    assert.match(printed, /1 of 1 tests passed$/)
  })

  test('names no substitute that docs/hosts.md does not describe', () => {
    const { text } = readSource('docs/hosts.md')
    for (const title of Object.values(SUBSTITUTES)) assert.ok(text.includes(`\n### ${title}\n`), title)
    const documented = [...text.matchAll(/^### (.*)$/gm)].map(([, title]) => title)
    assert.deepEqual(documented.sort(), Object.values(SUBSTITUTES).sort())
  })
})
