import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { buildFrame, readFrame } from '../../adapters/flatbuffers/mod.ts'
import { Opcode } from '../../adapters/flatbuffers/generated/opcode.ts'
import { OPCODES } from '../../src/protocol/mod.ts'
import { Random } from '../conformance/random.ts'
import { readSource, REPOSITORY } from '../support/source.ts'
import { tempDir } from '../support/temp_dir.ts'
import { anyMessage } from './messages.ts'

const run = promisify(execFile)
const SCHEMA = 'adapters/flatbuffers/rotunda.fbs'
const GENERATED = 'adapters/flatbuffers/generated'

/** What flatc's own C++ code makes of a frame, and the other way round. */
async function flatc(...args: string[]): Promise<void> {
  await run('flatc', args).catch((error: { stderr?: string; message: string }) => {
    throw new Error(`flatc: ${error.stderr || error.message} (needs: scripts/install-debian.sh)`)
  })
}

describe('rotunda.fbs', () => {
  test('generated is what scripts/flatbuffers.sh makes of it, byte for byte', { timeout: 60_000 }, async () => {
    const directory = await tempDir()
    try {
      await run(join(REPOSITORY, 'scripts/flatbuffers.sh'), [join(directory.path, 'made')])
      const read = (folder: string) => {
        return readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), 'utf8')])
      }
      const made = read(join(directory.path, 'made'))
      assert.ok(made.length >= 5)
      assert.deepEqual(read(join(REPOSITORY, GENERATED)), made)
    } finally {
      await directory.remove()
    }
  })

  test('numbers the opcodes as the protocol does', () => {
    const { None, ...numbers } = Opcode
    assert.equal(None, 0)
    const named = Object.entries(OPCODES).map(([name, opcode]) => [name[0]!.toUpperCase() + name.slice(1), opcode])
    assert.deepEqual(numbers, Object.fromEntries(named))
  })

  test('numbers its fields from 0 and leaves none out, so that the numbers cannot change by accident', () => {
    const table = /^table Message \{(.*?)^\}/ms.exec(readSource(SCHEMA).text)?.[1] ?? ''
    const ids = [...table.matchAll(/^ {2}\w+ : .*\(id: (\d+)\);$/gm)].map(([, id]) => Number(id))
    assert.deepEqual(ids, Array.from({ length: 19 }, (_, i) => i))
  })

  test("flatc's own C++ code reads what we write, and we read what it writes", { timeout: 60_000 }, async () => {
    const directory = await tempDir()
    try {
      const random = new Random(7)
      const messages = Array.from({ length: 100 }, () => {
        // Without what JSON of flatc says in a way of its own.
        const { body: _, traceparent: __, parentSpan: ___, ...message } = anyMessage(random)
        return { ...message, body: '[1,"é"]' }
      })
      const schema = join(REPOSITORY, SCHEMA)
      const file = join(directory.path, 'frame')
      writeFileSync(`${file}.rotunda`, buildFrame(...messages))
      await flatc('--json', '--strict-json', '-o', directory.path, schema, '--', `${file}.rotunda`)
      const { messages: told } = JSON.parse(readFileSync(`${file}.json`, 'utf8')) as {
        messages: Record<string, unknown>[]
      }
      const text = (bytes: unknown) => new TextDecoder().decode(Uint8Array.from(bytes as number[]))
      assert.deepEqual(
        told.map(({ room, seq, body }) => [room, seq, text(body)]),
        messages.map(({ room, seq, body }) => {
          return [room, seq, body]
        }),
      )
      await flatc('--binary', '-o', directory.path, schema, `${file}.json`)
      assert.deepEqual(readFrame(readFileSync(`${file}.rotunda`)), messages)
    } finally {
      await directory.remove()
    }
  })
})
