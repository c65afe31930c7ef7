import assert from 'node:assert/strict'
import test from 'node:test'
import type { Cut } from '../../adapters/libsql/connection.ts'
import { TRIM_STEP, Trimmer } from '../../adapters/libsql/trimmer.ts'
import { range } from '../support/test_hub.ts'

test('L7 what is trimmed at the same time shares transactions, none of them large', async () => {
  const transactions: (readonly Cut[])[] = []
  const trimmer = new Trimmer((cuts) => {
    transactions.push(cuts)
    return Promise.resolve(cuts.map(([, through]) => through))
  })
  const few = range(1, 600).map((i) => trimmer.remove(`few ${i}`, i, 2))
  const many = range(1, 3).map((i) => trimmer.remove(`many ${i}`, i * 7, TRIM_STEP))
  assert.deepEqual(await Promise.all(few), range(1, 600))
  assert.deepEqual(await Promise.all(many), [7, 14, 21])
  assert.deepEqual(transactions.flat().map(([room]) => room), [
    ...range(1, 600).map((i) => `few ${i}`),
    ...range(1, 3).map((i) => `many ${i}`),
  ])
  assert.ok(transactions.length <= 8, `${transactions.length} transactions`)
  for (const cuts of transactions) {
    const rows = cuts.reduce((sum, [room]) => sum + (room.startsWith('few') ? 2 : TRIM_STEP), 0)
    assert.ok(rows <= TRIM_STEP && cuts.length <= 256)
  }
})

test('L7 a transaction that fails rejects what was in it, and the next one is tried', async () => {
  let transactions = 0
  const trimmer = new Trimmer((cuts) => {
    return ++transactions === 2 ? Promise.reject(new Error('locked')) : Promise.resolve(cuts.map(() => 1))
  })
  const rooms = ['a', 'b', 'c', 'd']
  const results = await Promise.allSettled(rooms.map((room) => trimmer.remove(room, 1, TRIM_STEP)))
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
})

test('L7 between two transactions the event loop has its turn', async () => {
  let turns = 0
  const seen: number[] = []
  const trimmer = new Trimmer((cuts) => {
    seen.push(turns)
    setTimeout(() => turns++)
    return Promise.resolve(cuts.map(() => 1))
  })
  await Promise.all(range(1, 4).map((i) => trimmer.remove(`${i}`, 1, TRIM_STEP)))
  assert.deepEqual(seen, [0, 1, 2, 3])
})
