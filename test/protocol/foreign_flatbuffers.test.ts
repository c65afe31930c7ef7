import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { REPOSITORY } from '../support/source.ts'
import { HOSTS, spawnServer } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'

/** Debian's own Python: the one that `scripts/install-debian.sh` installs the packages for. */
const PYTHON = '/usr/bin/python3'
const PATIENCE = 40_000

const run = (command: string, ...args: string[]) => {
  return promisify(execFile)(command, args, { timeout: PATIENCE }).catch(
    (error: { stderr?: string; message: string }) => {
      throw new Error(`${command}: ${error.stderr || error.message} (needs: scripts/install-debian.sh)`)
    },
  )
}

describe('a client in another language, generated from rotunda.fbs alone', () => {
  let generated: Awaited<ReturnType<typeof tempDir>>

  before(async () => {
    generated = await tempDir()
    await run('flatc', '--python', '-o', generated.path, join(REPOSITORY, 'adapters/flatbuffers/rotunda.fbs'))
  })

  after(() => generated.remove())

  for (const host of HOSTS) {
    test(`joins, publishes, is acknowledged and refused, and gets bytes as they were, in Python, on ${host}`, {
      timeout: 60_000,
    }, async () => {
      const server = await spawnServer({ host })
      try {
        const script = fileURLToPath(import.meta.resolve('./foreign/python_flatbuffers.py'))
        const { stdout } = await run(PYTHON, script, generated.path, `ws://127.0.0.1:${server.port}/ws`)
        assert.equal(stdout, 'done in both languages\n')
      } finally {
        await server.stop()
      }
    })
  }
})
