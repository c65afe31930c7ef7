import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The cells of the table of threats. */
async function threats(): Promise<string[][]> {
  const [, section = ''] = (await read('docs/security.md')).split('\n## Threats\n')
  const lines = section.split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|')).slice(2)
  return lines.map((line) => line.slice(1, -1).split(' | ').map((cell) => cell.trim()))
}

test('every threat in docs/security.md has a defence, and a test that exists under the name it gives', async () => {
  const rows = await threats()
  assert.ok(rows.length > 30, `${rows.length} threats were found`)
  for (const [threat, defence, named = ''] of rows) {
    assert.ok(threat && defence, `${threat}: no defence`)
    const [, file = '', name = ''] = /^`([^`]+)`(?:: (.*))?$/.exec(named) ?? []
    assert.notEqual(file, '', `${threat}: no test`)
    const source = await read(`test/${file}`)
    // Names begin with the host, or a number, where a test is made for several.
    const plain = name.replace(/^(?:bun|deno): /, '').replaceAll("'", "\\'")
    assert.ok(source.includes(name) || source.includes(plain), `${threat}: ${file} has no test "${name}"`)
  }
})

test('every test of hardening is in the table', async () => {
  const named = (await threats()).map(([, , test = '']) => test).join('\n')
  for (
    const file of [
      'handshakes',
      'bombs',
      'rooms',
      'storms',
      'json',
      'answers',
      'others',
      'client_keys',
      'floods',
      'health',
    ]
  ) {
    assert.ok(named.includes(`hardening/${file}.test.ts`), `${file} is not in docs/security.md`)
  }
})
