import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whileLocked } from '../../adapters/libsql/while_locked.ts'

const locked = () => Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })

/** A write that fails with these, one after the other, and then succeeds. */
function failingWith(...errors: Error[]) {
  const tries = { count: 0 }
  const write = () => {
    tries.count += 1
    const error = errors.shift()
    return error === undefined ? Promise.resolve('written') : Promise.reject(error)
  }
  return { tries, write }
}

test('what is refused for the lock is tried again until it is written', async () => {
  const { tries, write } = failingWith(locked(), locked())
  assert.equal(await whileLocked(write), 'written')
  assert.equal(tries.count, 3)
})

test('a lock that stays is told after five attempts', async () => {
  const { tries, write } = failingWith(...Array.from({ length: 9 }, locked))
  await assert.rejects(whileLocked(write), { code: 'SQLITE_BUSY' })
  assert.equal(tries.count, 5)
})

test('any other failure is told at once: perhaps it was written', async () => {
  const { tries, write } = failingWith(Object.assign(new Error('gone'), { code: 'SERVER_ERROR' }))
  await assert.rejects(whileLocked(write), { code: 'SERVER_ERROR' })
  assert.equal(tries.count, 1)
})
