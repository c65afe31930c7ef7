import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Attempts, TooManyAttempts } from '../../src/inspector/attempts.ts'

const MINUTE = 60_000

function attempts() {
  const clock = { now: 0 }
  const all = new Attempts(() => clock.now)
  const fail = (address: string, count: number) => Array.from({ length: count }, () => all.failed(address))
  const retryIn = (address: string) => {
    try {
      all.check(address)
      return 0
    } catch (error) {
      assert.ok(error instanceof TooManyAttempts)
      return error.retryIn
    }
  }
  return { clock, all, fail, retryIn }
}

describe('attempts', () => {
  test('are refused from the tenth failure on, for a minute, and then ten more are heard', () => {
    const { clock, fail, retryIn } = attempts()
    assert.deepEqual(fail('a', 9).includes(true), false)
    assert.equal(retryIn('a'), 0)
    clock.now = 30_000
    assert.deepEqual(fail('a', 1), [true])
    assert.deepEqual([retryIn('a'), retryIn('b')], [60, 0])
    clock.now += MINUTE - 1
    assert.equal(retryIn('a'), 1)
    clock.now += 1
    assert.equal(retryIn('a'), 0)
    assert.deepEqual(fail('a', 10).indexOf(true), 9)
    assert.equal(retryIn('a'), 60)
  })

  test('that failed more than a minute before the next are forgotten', () => {
    const { clock, fail, retryIn } = attempts()
    for (let i = 0; i < 30; i++) {
      fail('a', 1)
      clock.now += MINUTE
    }
    assert.equal(retryIn('a'), 0)
  })

  test('of very many addresses are remembered up to a number, the newest ones, and not for ever', () => {
    const { clock, all, fail, retryIn } = attempts()
    for (let i = 0; i < 15_000; i++) fail(`address ${i}`, 1)
    assert.equal(all.size, 10_000)
    fail('address 14999', 9)
    assert.equal(retryIn('address 14999'), 60)
    clock.now += MINUTE
    fail('another', 1)
    assert.equal(all.size, 1)
  })
})
