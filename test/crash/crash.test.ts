import assert from 'node:assert/strict'
import test from 'node:test'
import { crashRun, MOST_ACKS } from './crash_run.ts'
import { progress, runsOn, RUNTIME, SEED, TESTED_HOSTS } from './settings.ts'

progress(`clients on ${RUNTIME}, CRASH_SEED=${SEED}`)

for (const host of TESTED_HOSTS) {
  const runs = runsOn(host)
  const rounds = runs.reduce((sum, count) => sum + count, 0)
  test(`I1–I4 hold on ${host} through kill -9 at random moments`, { timeout: 60_000 + 10_000 * rounds }, async () => {
    for (const [index, count] of runs.entries()) {
      const { kills, messages, seen, resumes } = await crashRun({ host, rounds: count, seed: SEED + index })
      assert.ok(kills >= count && messages >= MOST_ACKS && seen > messages && resumes > 0)
    }
  })
}
