import assert from 'node:assert/strict'
import test from 'node:test'
import { WAYS } from '../support/hosts/ways.ts'
import { crashRun, MOST_ACKS } from './crash_run.ts'
import { progress, runsOver, RUNTIME, SEED, TESTED_HOSTS } from './settings.ts'

progress(`clients on ${RUNTIME}, CRASH_SEED=${SEED}`)

for (const host of TESTED_HOSTS) {
  for (const way of WAYS) {
    const runs = runsOver(way)
    const rounds = runs.reduce((sum, count) => sum + count, 0)
    const timeout = 60_000 + 15_000 * rounds
    test(`I1–I4 hold on ${host} over ${way} through kill -9 at random moments`, { timeout }, async () => {
      for (const [index, count] of runs.entries()) {
        const { kills, messages, seen, resumes } = await crashRun({ host, way, rounds: count, seed: SEED + index })
        assert.ok(kills >= count && messages >= MOST_ACKS && seen > messages && resumes > 0)
      }
    })
  }
}
