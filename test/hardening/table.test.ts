import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'

const at = (path: string) => new URL(`../../${path}`, import.meta.url)
const read = (path: string) => readFile(at(path), 'utf8')

/** What there must be a threat for, whatever else there is. */
const NAMED = [
  /slowloris/,
  /giant.* headers/i,
  /compressed bombs/i,
  /hash flooding/,
  /million joins/i,
  /storms of reconnects/i,
  /hostile JSON: depth/i,
  /cross-site WebSocket hijacking/i,
  /tokens .*in logs/i,
  /replaying another's stream/i,
  /cursors that are forged, huge, of another room or of another log/i,
  /password of the \[inspector\]/,
]

/** The cells of the table of threats. */
async function threats(): Promise<string[][]> {
  const [, section = ''] = (await read('docs/security.md')).split('\n## Threats\n')
  const lines = section.split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|')).slice(2)
  return lines.map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim()))
}

/** The titles of the tests in a file, as they are written there. */
function titlesIn(source: string): string[] {
  const titles = source.matchAll(/\btest\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g)
  return [...titles].map(([, ...quoted]) => (quoted.find((title) => title !== undefined) ?? '').replaceAll('\\', ''))
}

test('every threat in docs/security.md has a defence, and a link to a test that is there under the name it gives', async () => {
  const rows = await threats()
  assert.ok(rows.length > 40, `${rows.length} threats were found`)
  for (const [threat, defence, cell = '', more] of rows) {
    assert.ok(threat && defence && more === undefined, `${threat}: no defence`)
    const [, label, link, name] = /^\[([^\]]+)\]\(\.\.\/([^)]+)\): (.+)$/.exec(cell) ?? []
    assert.ok(link !== undefined && link === `test/${label}`, `${threat}: no link to a test: ${cell}`)
    const source = await read(link)
    // Where a test is made for several hosts or numbers, its title begins with what they are.
    const plain = name!.replace(/^(?:bun|deno): /, '')
    const isThere = titlesIn(source).some((title) => {
      return title === name || title === plain || title.replace(/^(?:\$\{[\w.]+\}:? )+/, '') === plain
    })
    assert.ok(isThere, `${threat}: ${link} has no test "${name}"`)
  }
})

test('what was promised to be stood against is among them', async () => {
  const all = (await threats()).map(([threat]) => threat!)
  for (const named of NAMED) assert.equal(all.filter((threat) => named.test(threat)).length, 1, String(named))
})

test('every file of hardening is in the table', async () => {
  const named = (await threats()).map(([, , test]) => test).join('\n')
  const files = (await readdir(at('test/hardening'))).filter((file) => file.endsWith('.test.ts'))
  assert.ok(files.length > 10)
  for (const file of files) assert.ok(file === 'table.test.ts' || named.includes(`hardening/${file}`), file)
})
