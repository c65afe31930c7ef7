import assert from 'node:assert/strict'
import process from 'node:process'
import test from 'node:test'
import { crashRun, MOST_ACKS } from './crash_run.ts'
import { progress, SEED } from './settings.ts'
import { WAYS } from './ways.ts'

/** Rounds over each transport; more with `CRASH_ROUNDS`. */
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 3)

progress(`over every transport, CRASH_SEED=${SEED}`)

for (const way of WAYS.filter((way) => way !== 'websocket')) {
  test(`I1–I4 hold over ${way} through kill -9 at random moments`, { timeout: 60_000 + 15_000 * ROUNDS }, async () => {
    const { kills, messages, seen } = await crashRun({ host: 'bun', rounds: ROUNDS, seed: SEED, way })
    assert.ok(kills >= ROUNDS && messages >= MOST_ACKS && seen > messages)
  })
}
