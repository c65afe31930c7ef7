import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import { EncryptedRooms } from '../../src/hub/encrypted.ts'
import { readEncryptedPayload } from '../../src/protocol/encrypted_payload.ts'
import { RotundaError } from '../../src/protocol/mod.ts'

const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64')
const sealed = { v: 1, kid: 'k1', key: 'a', iv: base64(24), ct: base64(30) } as const

const MALFORMED: Readonly<Record<string, unknown>> = {
  'nothing': undefined,
  'null': null,
  'text': 'Hello!',
  'bytes': new Uint8Array(40),
  'a list': [1, 'k1', 'a', sealed.iv, sealed.ct],
  'plaintext': { user: 'Gaspard', text: 'Hello!' },
  'an object without fields': {},
  'a field too many': { ...sealed, text: 'Hello!' },
  'a field too few': { v: 1, kid: 'k1', iv: sealed.iv, ct: sealed.ct },
  'another version': { ...sealed, v: 2 },
  'a version as text': { ...sealed, v: '1' },
  'no key id': { ...sealed, kid: '' },
  'a key id that is too long': { ...sealed, kid: 'k'.repeat(65) },
  'a key id with a line break': { ...sealed, kid: 'k\n1' },
  'a key id that is half a character': { ...sealed, kid: '\ud800' },
  'a key id that is a number': { ...sealed, kid: 1 },
  'a key that is too long': { ...sealed, key: 'a'.repeat(129) },
  'a key with a line break': { ...sealed, key: 'a\n' },
  'a key that is half a character': { ...sealed, key: 'a\udc00' },
  'a key that is no text': { ...sealed, key: null },
  'an iv that is too short': { ...sealed, iv: base64(21) },
  'an iv that is too long': { ...sealed, iv: base64(27) },
  'an iv of 23 bytes': { ...sealed, iv: base64(23) },
  'an iv that is no base64': { ...sealed, iv: `${sealed.iv.slice(0, -1)}!` },
  'an iv with padding inside': { ...sealed, iv: `=${sealed.iv.slice(1)}` },
  'an iv that is no text': { ...sealed, iv: 24 },
  'no ciphertext': { ...sealed, ct: '' },
  'a ciphertext with room for a tag alone': { ...sealed, ct: base64(16) },
  'a ciphertext that is a byte too short': { ...sealed, ct: base64(17) },
  'a ciphertext that is no base64': { ...sealed, ct: 'Hello, this is what I want to say to you' },
  'a ciphertext without its padding': { ...sealed, ct: base64(31).replaceAll('=', '') },
  'a ciphertext of the URL alphabet': { ...sealed, ct: `-_${sealed.ct.slice(2)}` },
  'a ciphertext with white space': { ...sealed, ct: `${sealed.ct.slice(0, 4)}    ${sealed.ct.slice(4)}` },
  'a ciphertext whose spare bits are set': { ...sealed, ct: base64(31).replace(/.==$/, 'B==') },
  'a ciphertext whose two spare bits are set': { ...sealed, ct: base64(32).replace(/.=$/, 'B=') },
  'a ciphertext with too much padding': { ...sealed, ct: `${sealed.ct}====` },
}

describe('an encrypted payload', () => {
  test('has five fields, each of its form', () => {
    assert.deepEqual(readEncryptedPayload(sealed), sealed)
    assert.deepEqual(readEncryptedPayload({ ...sealed, key: '' }), { ...sealed, key: '' })
    for (const bytes of [18, 19, 20, 21, 1_000_003]) {
      const payload = { ...sealed, ct: Buffer.alloc(bytes, 255).toString('base64') }
      assert.deepEqual(readEncryptedPayload(payload), payload)
    }
    const longest = { ...sealed, kid: 'ü'.repeat(64), key: '字'.repeat(128) }
    assert.deepEqual(readEncryptedPayload(longest), longest)
  })

  for (const [name, payload] of Object.entries(MALFORMED)) {
    test(`is not ${name}`, () => assert.equal(readEncryptedPayload(payload), undefined))
  }

  test('is told from sixteen million characters without running out of stack', () => {
    const ct = 'A'.repeat(16 * 1024 * 1024)
    assert.notEqual(readEncryptedPayload({ ...sealed, ct }), undefined)
    assert.equal(readEncryptedPayload({ ...sealed, ct: `${ct.slice(0, -5)}!AAAA` }), undefined)
    assert.equal(readEncryptedPayload({ ...sealed, ct: '='.repeat(ct.length) }), undefined)
  })
})

describe('encrypted rooms', () => {
  const refused = (error: unknown) => error instanceof RotundaError && error.code === 'plaintext_refused'

  test('are those that a pattern names', () => {
    const rooms = new EncryptedRooms(['board', 'secret-*'])
    for (const room of ['board', 'secret-', 'secret-1']) assert.ok(rooms.includes(room), room)
    for (const room of ['boards', 'Board', 'secret', 'a-secret-1']) assert.ok(!rooms.includes(room), room)
    assert.ok(!rooms.includes(undefined))
    assert.ok(new EncryptedRooms(['*']).includes('anything'))
    assert.ok(!new EncryptedRooms().includes('anything'))
  })

  test('cannot be given by what is no pattern', () => {
    for (const pattern of ['', 'a*b', '**', '*a', 'a\n', 7 as unknown as string]) {
      assert.throws(() => new EncryptedRooms([pattern]), {
        code: 'invalid_config',
        message: /encrypted\[0\]/,
      })
    }
    assert.throws(() => new EncryptedRooms('secret-*' as unknown as string[]), { code: 'invalid_config' })
  })

  test('take a payload under the producer key that it was encrypted for, and no other', () => {
    const rooms = new EncryptedRooms(['*'])
    assert.deepEqual(rooms.check(sealed, 'a'), sealed)
    for (const key of ['b', '', null, undefined]) assert.throws(() => rooms.check(sealed, key), refused)
    const keyless = { ...sealed, key: '' }
    for (const key of [null, undefined]) assert.deepEqual(rooms.check(keyless, key), keyless)
    assert.throws(() => rooms.check(keyless, 'a'), refused)
  })

  test('refuse all else, without repeating it', () => {
    const rooms = new EncryptedRooms(['*'])
    for (const payload of Object.values(MALFORMED)) assert.throws(() => rooms.check(payload, 'a'), refused)
    assert.throws(() => rooms.check({ text: 'Hello!' }, 'a'), (error: unknown) => !String(error).includes('Hello'))
  })
})
