import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { createHub, defineProtocol, event } from '../../src/mod.ts'
import { OPCODES, typeOf } from '../../src/protocol/mod.ts'
import { testPage } from '../support/page.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { tempDir } from '../support/temp_dir.ts'

testPage('docs/binary.md')

const page = readSource('docs/binary.md').text

describe('docs/binary.md', () => {
  test('lists every opcode, with its type', () => {
    const rows = [...page.matchAll(/^\| (\d+) +\| (\w+) +\| (?:`([^`]+)`|the application's) +\|$/gm)]
    const listed = rows.map(([, opcode, name, type]) => [Number(opcode), name, type])
    const all = Object.entries(OPCODES).map(([name, opcode]) => {
      return [opcode, name[0]!.toUpperCase() + name.slice(1), typeOf(opcode)]
    })
    assert.deepEqual(listed, all)
  })

  test('names every function of rotunda/flatbuffers that builds or reads a frame', async () => {
    const named = [...page.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name)
    const exported = Object.keys(await import('../../adapters/flatbuffers/mod.ts'))
    assert.deepEqual(named.sort(), exported.filter((name) => /^(?:build|read)/.test(name)).sort())
  })

  test('prints a Python client that runs with what flatc generates', { timeout: 60_000 }, async () => {
    const [, program = ''] = /^```python client\.py\n(.*?)^```$/ms.exec(page)!
    const hub = createHub({
      protocol: defineProtocol({ 'file.note': event(z.object({ text: z.string() })) }),
      codecs: [flatbuffers],
    })
    const { serve } = 'Deno' in globalThis
      ? await import('../../adapters/deno/mod.ts')
      : await import('../../adapters/bun/mod.ts')
    const server = serve(hub, { port: 0, hostname: '127.0.0.1' })
    const directory = await tempDir()
    try {
      const run = promisify(execFile)
      await run('flatc', ['--python', '-o', directory.path, join(REPOSITORY, 'adapters/flatbuffers/rotunda.fbs')])
      writeFileSync(join(directory.path, 'client.py'), program)
      const url = `ws://127.0.0.1:${server.port}/ws`
      const { stdout } = await run('/usr/bin/python3', [join(directory.path, 'client.py'), url], { timeout: 30_000 })
      assert.equal(stdout, '1 1\n')
    } finally {
      await server.stop()
      await directory.remove()
    }
  })
})
