import type { HostName } from '../support/spawn_server.ts'
import { type HostResult, type RowId, ROWS, SUBSTITUTES } from './conformance/rows.ts'

/** What a cell says; the table shows its sign. */
export type Verdict = 'passed' | 'substitute' | 'failed' | 'none'

const SIGNS: Readonly<Record<Verdict, string>> = { passed: '✓', substitute: '✓ s', failed: '✗', none: '–' }

/** One row on one host: failed when any test of it failed or did not come to an end, in any client. */
export function verdict(results: readonly HostResult[], row: RowId, host: HostName): Verdict {
  const own = results.filter((result) => result.row === row && result.host === host)
  const count = (outcome: HostResult['outcome']) => own.filter((result) => result.outcome === outcome).length
  if (own.length === 0) return 'none'
  if (count('failed') > 0 || count('passed') < count('registered')) return 'failed'
  return own.some(({ substitute }) => substitute !== undefined) ? 'substitute' : 'passed'
}

/** The table of rows and hosts, and below it what the substitutes are. */
export function conformanceTable(results: readonly HostResult[], hosts: readonly HostName[]): string {
  const rows = Object.keys(ROWS) as RowId[]
  const width = Math.max(...rows.map((row) => ROWS[row].length))
  const line = (first: string, cells: readonly string[]) => {
    return `${first.padEnd(width)}  ${cells.map((cell, i) => cell.padEnd(hosts[i]!.length)).join('  ')}`.trimEnd()
  }
  const body = rows.map((row) => line(ROWS[row], hosts.map((host) => SIGNS[verdict(results, row, host)])))
  const used = Object.entries(SUBSTITUTES).flatMap(([id, title]) => {
    const of = results.filter(({ substitute }) => substitute === id)
    const on = hosts.filter((host) => of.some((result) => result.host === host))
    const where = [...new Set(of.map(({ row }) => ROWS[row].split(':')[0]!))]
    return on.length === 0 ? [] : [`  ${title} (${where.join(', ')}; on ${on.join(', ')})`]
  })
  const tests = results.filter(({ outcome }) => outcome === 'registered').length
  const passed = results.filter(({ outcome }) => outcome === 'passed').length
  return [
    line('', hosts),
    ...body,
    '',
    '✓ as promised   ✓ s with a substitute, as documented in docs/hosts.md   ✗ failed   – no such thing there',
    ...used,
    '',
    `${passed} of ${tests} tests passed`,
  ].join('\n')
}
