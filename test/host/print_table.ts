/**
 * Runs the host suite on every host, with a client on Bun and one on Deno, and prints the conformance table:
 * `bun run hosts`, or `bun run hosts bun` for one host. Ends with 1 when something failed.
 */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { BUN, denoBinary, type HostName, HOSTS } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'
import type { HostResult } from './conformance/rows.ts'
import { conformanceTable } from './table.ts'

const ROOT = fileURLToPath(import.meta.resolve('../../'))
const CLIENTS = {
  bun: () => [BUN, 'test', '--timeout', '60000'],
  deno: () => [denoBinary(), 'test', '-A', '--no-check'],
} as const

/** Runs test files; gives whether they passed, and what they printed. */
function run([command = '', ...args]: string[], files: string[], results: string): Promise<[boolean, string]> {
  const child = spawn(command, [...args, ...files], {
    cwd: ROOT,
    env: { ...process.env, ROTUNDA_HOST_RESULTS: results },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => output += chunk)
  child.stderr.on('data', (chunk) => output += chunk)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve([code === 0, output]))
  })
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  const hosts = HOSTS.filter((host) => asked.length === 0 || asked.includes(host))
  const files = hosts.map((host: HostName) => `test/host/${host.replace('-', '_')}.test.ts`)
  const dir = await tempDir()
  const results = `${dir.path}/results.jsonl`
  writeFileSync(results, '')
  let passed = hosts.length > 0
  for (const [client, command] of Object.entries(CLIENTS)) {
    console.error(`running ${hosts.join(', ')} with a client on ${client} …`)
    const [ok, output] = await run(command(), [...files, 'test/protocol/wire_document.test.ts'], results)
    if (!ok) console.error(output)
    passed &&= ok
  }
  const all = readFileSync(results, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as HostResult)
  console.log(conformanceTable(all, hosts))
  await dir.remove()
  process.exitCode = passed ? 0 : 1
}
