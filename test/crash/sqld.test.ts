import assert from 'node:assert/strict'
import process from 'node:process'
import test from 'node:test'
import { SEED, TESTED_HOSTS } from './settings.ts'
import { sqldRun } from './sqld_run.ts'

const SERVERS = [{ host: 'bun', edge: false }, { host: 'deno', edge: false }, { host: 'deno', edge: true }] as const
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 2)

for (const { host, edge } of SERVERS.filter(({ host }) => TESTED_HOSTS.includes(host))) {
  const store = edge ? 'the edge store' : 'the store'
  test(`I1–I4 hold on ${host} with ${store} on sqld through kill -9 of sqld`, {
    timeout: 60_000 + 20_000 * rounds,
  }, async () => {
    const { messages, retries, resumes } = await sqldRun({ host, edge, rounds, seed: SEED })
    assert.ok(messages > rounds && retries >= rounds && resumes > 0)
  })
}
