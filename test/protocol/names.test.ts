import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkProducerKey, checkRoomName, isTypeName, quote } from '../../src/protocol/mod.ts'

const BROKEN = ['\u0000', 'a\u001fb', 'a\tb', 'a\n', '\u007f', '\u0085', '\u2028', '\u2029', '\ufeffa']
const LONE_SURROGATES = ['\ud800', 'a\udc00', '\udc00\ud800', `${'a'.repeat(126)}\ud83d`]
const GOOD = ['a', ' ', 'africa', 'Ünïcödé', '🙂', '../..', '__proto__', "'; DROP TABLE", '%00', 'a'.repeat(128)]

describe('a room name', () => {
  test('may be any 1 to 128 printable code units', () => {
    for (const name of [...GOOD, '🙂'.repeat(64)]) assert.equal(checkRoomName(name), name)
  })

  test('is refused when empty, with 129 code units, control characters, a lone surrogate, or no string', () => {
    const wrong = ['', 'a'.repeat(129), '🙂'.repeat(65), ...BROKEN, ...LONE_SURROGATES, 1, null, undefined, {}, ['a']]
    for (const name of wrong) assert.throws(() => checkRoomName(name), { code: 'invalid_room' }, JSON.stringify(name))
  })

  test('is quoted in the refusal, cut and with control characters visible', () => {
    assert.throws(() => checkRoomName('a\u0000b'), /Room "a\\u0000b" has control characters/)
    assert.throws(() => checkRoomName('x'.repeat(100_000)), ({ message }: Error) => message.length < 200)
  })
})

describe('a producer key', () => {
  test('may be any 1 to 128 printable code units', () => {
    for (const key of GOOD) assert.equal(checkProducerKey(key), key)
  })

  test('is refused like a room name: two keys that a database cannot tell apart must not pass', () => {
    for (const key of ['', 'a'.repeat(129), ...BROKEN, ...LONE_SURROGATES, 1, null, undefined]) {
      assert.throws(() => checkProducerKey(key), { code: 'invalid_key' }, JSON.stringify(key))
    }
  })
})

test('a type name starts with a letter or _ and is ASCII', () => {
  for (const name of ['a', '_a', 'A.b:c-d_1', 'a'.repeat(128)]) assert.ok(isTypeName(name), name)
  for (const name of ['', '1', '-a', 'a b', 'é', 'a\n', 'a'.repeat(129)]) assert.ok(!isTypeName(name), name)
})

test('quoting cuts what is long and never throws', () => {
  assert.equal(quote('a"b'), '"a\\"b"')
  assert.ok(quote('x'.repeat(1000)).length <= 70)
  for (const value of [undefined, null, 12, true, {}, [], NaN]) assert.equal(typeof quote(value), 'string')
})
