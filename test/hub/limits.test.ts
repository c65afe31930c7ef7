import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, DEFAULT_LIMITS, defineProtocol, type HubOptions, type Limits } from '../../src/mod.ts'

describe('bad configuration stops the start and says what is allowed', () => {
  const protocol = defineProtocol({})
  const refuses = (limits: Record<string, unknown>, says: RegExp) => {
    const options = { protocol, limits } as HubOptions<Record<string, never>, unknown>
    assert.throws(() => createHub(options), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'invalid_config')
      assert.match(error.message, says)
      return true
    })
  }

  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    test(`limits.${name}`, () => {
      const values = [-1, NaN, Infinity, '5', null, true, {}, 1e300, '__proto__']
      const allowed = new RegExp(
        `^limits\\.${name} is .*; it must be a (whole number|number of seconds) from [\\d.]+ to \\d+\\.$`,
      )
      for (const value of values) refuses({ [name]: value }, allowed)
      if (!['idleTimeout', 'pingInterval', 'pongTimeout'].includes(name)) refuses({ [name]: 300.5 }, allowed)
    })
  }

  test('a setting that does not exist is named, with those that do', () => {
    refuses({ maxMessagesize: 1 }, /^limits\.maxMessagesize is not a setting; there are: maxMessageSize, /)
    refuses(JSON.parse('{"__proto__":1}'), /^limits\.__proto__ is not a setting/)
    refuses({ toString: 1 }, /^limits\.toString is not a setting/)
  })

  test('a high-water mark above the hard limit', () => {
    refuses({ highWaterMark: 200_000, hardLimit: 100_000 }, /limits\.highWaterMark is 200000; it must not exceed/)
  })

  test('a hub without a contract', () => {
    const options = {} as HubOptions<Record<string, never>, unknown>
    assert.throws(() => createHub(options), { code: 'invalid_config', message: /needs a "protocol"/ })
  })
})
