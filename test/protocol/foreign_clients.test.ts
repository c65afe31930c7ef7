import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'

/** Debian's own Python: the one that `scripts/install-debian.sh` installs `websockets` for. */
const PYTHON = '/usr/bin/python3'
const PATIENCE = 30_000

/** Runs a client that knows nothing of rotunda but the wire document; gives what it prints. */
function run(command: string, script: string, { port, url }: SpawnedServer): Promise<string> {
  const path = fileURLToPath(import.meta.resolve(`./foreign/${script}`))
  return new Promise((resolve, reject) => {
    execFile(command, [path, `ws://127.0.0.1:${port}/ws`, url], { timeout: PATIENCE }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${command} ${script}: ${stderr || error.message} (needs: scripts/install-debian.sh)`))
    })
  })
}

describe('a client written from the wire document alone joins, talks and reads history', () => {
  let server: SpawnedServer
  before(async () => server = await spawnServer())
  after(() => server.stop())

  test('with ws on Node', { timeout: 60_000 }, async () => {
    assert.match(await run('node', 'node_ws.mjs', server), /^done after \d+ messages$/m)
  })

  test('with websockets on Python', { timeout: 60_000 }, async () => {
    assert.match(await run(PYTHON, 'python_websockets.py', server), /^done after \d+ messages$/m)
  })
})
