import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLOSE, isReservedType, MAX_BATCH, MAX_REF, MAX_ROOM_NAME, MAX_TYPE_NAME } from '../../src/protocol/mod.ts'
import { ERRORS, isErrorCode, isSendableCloseCode, shouldReconnect } from '../../src/protocol/mod.ts'
import { DEFAULT_LIMITS } from '../../src/mod.ts'
import { tableRows, WIRE_DOCUMENT } from '../support/document.ts'

const plain = (cell: string | undefined) => (cell ?? '').replaceAll('`', '')
const yes = (truth: boolean) => truth ? 'yes' : 'no'

describe('the wire document agrees with the code', () => {
  test('on every error: code, HTTP status, close code, retryable', () => {
    const rows = tableRows('`code`', 'HTTP', 'close', 'retryable', 'meaning')
    const printed = rows.map(([code, status, close, retryable]) => [plain(code), status, close, retryable])
    const real = Object.entries(ERRORS).map(([code, { status, close, retryable }]) => {
      return [code, String(status), String(close), yes(retryable)]
    })
    assert.deepEqual(printed, real)
    for (const [code, , , , meaning] of rows) assert.ok(meaning!.length > 10, `${code} needs a meaning`)
  })

  test('on every close code: number, name, whether a client comes back', () => {
    const rows = tableRows('code', 'name', 'comes back?', 'meaning')
    const printed = rows.map(([code, name, back]) => [code, plain(name), back])
    const real = Object.entries(CLOSE).map(([name, code]) => [String(code), name, yes(shouldReconnect(code))])
    assert.deepEqual(printed, real)
    for (const [code, , , meaning] of rows) assert.ok(meaning!.length > 10, `${code} needs a meaning`)
  })

  test('on the ranges of close codes after which a client comes back', () => {
    const comesBack = (code: number) => {
      return [1001, 1005, 1006].includes(code) || (code >= 1011 && code <= 1015) || (code >= 3000 && code <= 4499)
    }
    const printed = '1001, 1005, 1006, 1011 to 1015 and 3000 to 4499'
    assert.ok(WIRE_DOCUMENT.replaceAll('\n', ' ').includes(printed))
    // 1004 is reserved and 1016 to 2999 are nobody's yet.
    for (let code = 1000; code < 5000; code++) {
      if (code === 1004 || (code > 1015 && code < 3000)) continue
      assert.equal(shouldReconnect(code), comesBack(code), String(code))
    }
  })

  test('on the close codes that are never sent', () => {
    const never = Object.values(CLOSE).filter((code) => !isSendableCloseCode(code))
    assert.deepEqual(never, [1005, 1006, 1015])
    assert.ok(WIRE_DOCUMENT.includes('1005, 1006 and 1015 are never sent.'))
    for (const code of [0, 999, 1004, 1016, 2999, 5000, 1000.5, NaN, -1]) assert.equal(isSendableCloseCode(code), false)
    for (const code of [1000, 1012, 1014, 3000, 4999]) assert.equal(isSendableCloseCode(code), true)
  })

  test('on the close code an error uses: one that may be sent', () => {
    for (const [code, { close }] of Object.entries(ERRORS)) assert.ok(isSendableCloseCode(close), code)
  })

  test('on its numbers', () => {
    const text = WIRE_DOCUMENT.replaceAll('\n', ' ')
    const number = (value: number) => value.toLocaleString('en')
    assert.ok(text.includes(`an array of 1 to ${MAX_BATCH}`))
    assert.ok(text.includes(`1 to ${MAX_ROOM_NAME} UTF-16 code units`))
    assert.ok(text.includes(`at most ${MAX_TYPE_NAME} characters`))
    assert.ok(text.includes(`string ≤ ${MAX_REF}, or number`))
    assert.ok(text.includes(`${number(DEFAULT_LIMITS.maxRoomsPerSession)} rooms at once`))
    assert.ok(text.includes(`At most ${number(DEFAULT_LIMITS.maxInboundQueue)} frames`))
    assert.ok(text.includes(`(${DEFAULT_LIMITS.maxErrors} in a row`))
    assert.ok(text.includes(`"maxMessageSize": ${DEFAULT_LIMITS.maxMessageSize}`))
  })

  test('on what is reserved', () => {
    for (const word of ['room', 'session', 'presence', 'opcode', 'rotunda']) {
      assert.ok(WIRE_DOCUMENT.includes(`\`${word}.\``))
      for (const type of [`${word}.`, `${word}.anything`, `${word}:anything`]) assert.ok(isReservedType(type), type)
      for (const type of [word, `${word}s.anything`, `my.${word}.x`]) assert.ok(!isReservedType(type), type)
    }
    for (const type of ['ack', 'error']) assert.ok(isReservedType(type))
    for (const type of ['acks', 'ack.mine', 'error.mine', 'my.error']) assert.ok(!isReservedType(type), type)
  })
})

test('only codes of the table are error codes', () => {
  assert.ok(isErrorCode('invalid_json'))
  for (const code of ['toString', '__proto__', 'constructor', '', 'INVALID_JSON', 1, null, undefined]) {
    assert.equal(isErrorCode(code), false)
  }
})
