import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SessionQuota } from '../../src/hub/quota/session_quota.ts'
import type { QuotaRule } from '../../src/hub/quota/rules.ts'
import { SlidingWindow } from '../../src/hub/quota/sliding_window.ts'
import { Random } from '../support/random.ts'

const SEED = Date.now() % 2 ** 32

describe(`quotas, seed ${SEED}`, () => {
  test('a window counts all within it, and nothing older than it and a tenth', () => {
    const random = new Random(SEED)
    for (let round = 0; round < 200; round++) {
      const length = 10 + Math.floor(random.unit() * 5_000)
      const window = new SlidingWindow(length)
      const added: { at: number; amount: number }[] = []
      let now = Math.floor(random.unit() * 1e9)
      for (let step = 0; step < 200; step++) {
        now += random.unit() < 0.1 ? length * random.unit() * 3 : random.unit() * length / 20
        const within = (age: number) =>
          added.filter(({ at }) => at > now - age).reduce((sum, { amount }) => sum + amount, 0)
        const used = window.used(now)
        assert.ok(used >= within(length), `round ${round}: ${used} of ${within(length)}`)
        assert.ok(used <= within(length * 1.1 + 1e-6), `round ${round}: ${used} of ${within(length * 1.1)}`)
        const amount = Math.floor(random.unit() * 10)
        window.add(amount, now)
        added.push({ at: now, amount })
      }
    }
  })

  test('in no interval of a window more than the limit is let through, and what retryIn says is kept', () => {
    const random = new Random(SEED + 1)
    for (let round = 0; round < 200; round++) {
      const rule: QuotaRule = {
        metric: 'messages',
        window: 0.1 + random.unit() * 5,
        limit: 1 + Math.floor(random.unit() * 20),
      }
      const length = rule.window * 1000
      const quota = new SessionQuota([rule], false)
      const admitted: number[] = []
      let now = random.unit() * 1e6
      for (let step = 0; step < 300; step++) {
        now += random.unit() * length / 10
        const { verdict, used, remaining, retryIn } = quota.take('messages', 1, 'a', now)
        if (verdict === 'allow') {
          admitted.push(now)
          assert.equal(used + remaining, rule.limit)
        } else {
          assert.equal(verdict, 'reject')
          assert.ok(retryIn > 0 && retryIn <= length * 1.1 + 1e-6, `${retryIn} of ${length}`)
          // A refused try costs nothing, so that the moment named is the moment.
          const again = new SessionQuota([rule], false)
          for (const at of admitted) again.take('messages', 1, 'a', at)
          assert.equal(again.take('messages', 1, 'a', now + retryIn + 1e-3).verdict, 'allow')
        }
        assert.ok(admitted.filter((at) => at > now - length).length <= rule.limit)
      }
      assert.ok(admitted.length > rule.limit || admitted.length === 300)
    }
  })

  test('of several rules the gravest verdict counts, and none is charged for what one refuses', () => {
    const rules: QuotaRule[] = [
      { metric: 'messages', window: 10, limit: 10, soft: 2, delay: 50 },
      { metric: 'messages', window: 10, limit: 4, types: ['chat.typing'] },
      { metric: 'messages', window: 10, limit: 8, types: ['opcode.200'], action: 'terminate' },
      { metric: 'bytesIn', window: 10, limit: 100 },
    ]
    const quota = new SessionQuota(rules, false)
    const verdicts = (type: string, count: number) => {
      return Array.from({ length: count }, () => quota.take('messages', 1, type, 0).verdict)
    }
    assert.deepEqual(verdicts('chat.typing', 6), ['allow', 'allow', 'delay', 'delay', 'reject', 'reject'])
    assert.equal(quota.last.rule, rules[1])
    assert.deepEqual(verdicts('chat.message', 7), [...Array(6).fill('delay'), 'reject'])
    assert.equal(quota.take('bytesIn', 101, undefined, 0).verdict, 'reject')
    assert.equal(quota.take('bytesIn', 100, undefined, 0).remaining, 0)
    const other = new SessionQuota(rules.slice(2), false)
    for (let i = 0; i < 8; i++) other.take('messages', 1, 'opcode.200', 0)
    assert.equal(other.take('messages', 1, 'opcode.200', 0).verdict, 'terminate')
    assert.equal(other.take('messages', 1, 'opcode.201', 0).verdict, 'allow')
  })

  test('permissive quotas say what they would do, and go on counting', () => {
    const quota = new SessionQuota([{ metric: 'messages', window: 10, limit: 2 }], true)
    const verdicts = Array.from({ length: 4 }, () => quota.take('messages', 1, 'a', 0).verdict)
    assert.deepEqual(verdicts, ['allow', 'allow', 'reject', 'reject'])
    assert.equal(quota.last.used, 3)
  })
})
