import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import { deriveKey, encryption, generateKey, importKey, roomKeys } from '../../src/client/encryption/mod.ts'
import type { RoomKey, RoomKeysOptions } from '../../src/client/encryption/mod.ts'
import { RotundaError } from '../../src/protocol/mod.ts'

const about = { room: 'secret-1', type: 'chat.message', key: 'a:1' }
const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code
const invalid = failsWith('invalid_config')
const unknown = failsWith('unknown_encryption_key')

function cipherOf(options: RoomKeysOptions) {
  return encryption(roomKeys(options))
}

/** What a message is encrypted with, as the only thing that can be seen of a key. */
async function mark(key: CryptoKey): Promise<string> {
  return Buffer.from(await crypto.subtle.sign('HMAC', key, new Uint8Array([1]))).toString('hex')
}

describe('a room’s key', () => {
  test('is 32 random bytes as text, the same in each of its forms', async () => {
    const [key, other] = [generateKey(), generateKey()]
    assert.notEqual(key, other)
    const bytes = new Uint8Array(Buffer.from(key, 'base64'))
    assert.equal(bytes.length, 32)
    const sealed = await cipherOf({ current: 'k', keys: { k: key } }).seal('x', about)
    for (const form of [key, bytes, await importKey(key), await importKey(bytes)]) {
      assert.equal(await cipherOf({ current: 'k', keys: { k: form } }).open(sealed, about), 'x')
    }
  })

  test('cannot be read out once it is imported or derived', async () => {
    for (const key of [await importKey(generateKey()), await deriveKey('correct horse', 'battery staple')]) {
      assert.equal(key.extractable, false)
      assert.deepEqual(key.usages, ['sign'])
      for (const format of ['raw', 'jwk'] as const) await assert.rejects(crypto.subtle.exportKey(format, key))
    }
  })

  test('is copied when it is given: the caller may wipe it', async () => {
    const bytes = new Uint8Array(32).fill(7)
    const kept = cipherOf({ current: 'k', keys: { k: bytes } })
    bytes.fill(0)
    const other = cipherOf({ current: 'k', keys: { k: new Uint8Array(32).fill(7) } })
    assert.equal(await other.open(await kept.seal('x', about), about), 'x')
  })

  test('is refused where it is none, and not quoted', async () => {
    const aes = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])
    const hmac = (hash: string, length: number, usage: KeyUsage) =>
      crypto.subtle.importKey('raw', new Uint8Array(length), { name: 'HMAC', hash }, false, [usage])
    const keys = [
      await hmac('SHA-1', 32, 'sign'),
      await hmac('SHA-256', 16, 'sign'),
      await hmac('SHA-256', 32, 'verify'),
    ]
    const wrong: unknown[] = ['', 'secret', 'se cret!', generateKey().slice(4), new Uint8Array(31), aes, ...keys]
    for (const key of [...wrong, null, undefined, 7, {}]) {
      assert.throws(() => roomKeys({ current: 'k', keys: { k: key as RoomKey } }), invalid)
      if (typeof key !== 'string') continue
      await assert.rejects(importKey(key), (error) => invalid(error) && (key === '' || !String(error).includes(key)))
    }
  })

  test('derived from a passphrase is PBKDF2 of what the documentation says', { timeout: 60_000 }, async () => {
    const expected = pbkdf2Sync('correct horse', 'secret-1 of example.org', 600_000, 32, 'sha256')
    const key = await deriveKey('correct horse', 'secret-1 of example.org')
    assert.equal(await mark(key), createHmac('sha256', expected).update(new Uint8Array([1])).digest('hex'))
    const bytes = new TextEncoder().encode('secret-1 of example.org')
    assert.equal(await mark(await deriveKey('correct horse', bytes)), await mark(key))
    const others = [deriveKey('Correct horse', bytes), deriveKey('correct horse', 'secret-2 of example.org')]
    for (const other of [...others, deriveKey('correct horse', bytes, { iterations: 600_001 })]) {
      assert.notEqual(await mark(await other), await mark(key))
    }
  })

  test('is the same for one passphrase, however a keyboard composes it', async () => {
    const [composed, decomposed] = ['caf\u00e9 noir', 'cafe\u0301 noir']
    assert.equal(await mark(await deriveKey(composed, 'saltsalt')), await mark(await deriveKey(decomposed, 'saltsalt')))
  })

  test('is not derived from nothing, or in a hurry', async () => {
    for (const iterations of [0, 1_000, 599_999, 600_000.5, NaN]) {
      await assert.rejects(deriveKey('correct horse', 'saltsalt', { iterations }), invalid)
    }
    await assert.rejects(deriveKey('', 'saltsalt'), invalid)
    for (const salt of ['', 'salt', new Uint8Array(7)]) await assert.rejects(deriveKey('correct horse', salt), invalid)
  })
})

describe('keys', () => {
  test('rotate: new messages have the new key, old ones stay legible', async () => {
    const [first, second] = [generateKey(), generateKey()]
    const keys = roomKeys({ current: 'k1', keys: { k1: first } })
    const own = encryption(keys)
    const sealing = own.seal('old', about)
    keys.rotate('k2', second)
    assert.equal(keys.current, 'k2')
    // What was on its way already has the key of that time.
    const old = await sealing
    const young = await own.seal('young', about)
    assert.deepEqual([old, young].map((sealed) => (sealed as { kid: string }).kid), ['k1', 'k2'])
    assert.deepEqual([await own.open(old, about), await own.open(young, about)], ['old', 'young'])
    await assert.rejects(cipherOf({ current: 'k1', keys: { k1: first } }).open(young, about), unknown)
    await assert.rejects(cipherOf({ current: 'k2', keys: { k2: second } }).open(old, about), unknown)
  })

  test('are added at any time, and rotated to later', async () => {
    const key = generateKey()
    const keys = roomKeys({ current: 'k1', keys: { k1: generateKey() } })
    const own = encryption(keys)
    const sealed = await cipherOf({ current: 'k2', keys: { k2: key } }).seal('x', about)
    await assert.rejects(own.open(sealed, about), unknown)
    keys.add('k2', key)
    assert.equal(await own.open(sealed, about), 'x')
    assert.equal(keys.current, 'k1')
    keys.rotate('k2')
    assert.equal((await own.seal('y', about) as { kid: string }).kid, 'k2')
  })

  test('have an id of their own each, and are never replaced', () => {
    const keys = roomKeys({ current: 'k1', keys: { k1: generateKey() } })
    assert.throws(() => keys.add('k1', generateKey()), invalid)
    assert.throws(() => keys.rotate('k1', generateKey()), invalid)
    for (const kid of ['', 'k'.repeat(65), 'a\nb', '\ud800', 7 as unknown as string]) {
      assert.throws(() => keys.add(kid, generateKey()), invalid)
    }
    for (const kid of ['k2', 'constructor', '__proto__']) assert.throws(() => keys.rotate(kid), invalid)
    assert.throws(() => roomKeys({ current: 'k2', keys: { k1: generateKey() } }), invalid)
    assert.throws(() => roomKeys({ current: 'k1' }), invalid)
    assert.equal(keys.current, 'k1')
  })
})

describe('lookup', () => {
  test('gets a key once, also for messages that come together, and for what is published', async () => {
    const key = generateKey()
    const asked: string[] = []
    const lookup = async (kid: string) => {
      asked.push(kid)
      await Promise.resolve()
      return key
    }
    const own = cipherOf({ current: 'k1', lookup })
    const sealed = await cipherOf({ current: 'k1', keys: { k1: key } }).seal('x', about)
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => own.open(sealed, about))), ['x', 'x', 'x'])
    assert.equal((await own.seal('y', about) as { kid: string }).kid, 'k1')
    assert.deepEqual(asked, ['k1'])
  })

  test('that finds nothing is a failure of each message, and is not asked for every one of them', async () => {
    const asked: string[] = []
    const key = generateKey()
    const keys = roomKeys({ current: 'k1', keys: { k1: generateKey() }, lookup: (kid) => void asked.push(kid) })
    const own = encryption(keys)
    const sealed = await cipherOf({ current: 'k2', keys: { k2: key } }).seal('x', about)
    for (let n = 0; n < 5; n++) await assert.rejects(own.open(sealed, about), unknown)
    assert.deepEqual(asked, ['k2'])
    keys.add('k2', key)
    assert.equal(await own.open(sealed, about), 'x')
  })

  test('that fails is told as the cause, and asked again for the next message', async () => {
    const key = generateKey()
    const offline = new Error('offline')
    let online = false
    const lookup = () => {
      if (!online) throw offline
      return key
    }
    const own = cipherOf({ current: 'k1', lookup })
    const sealed = await cipherOf({ current: 'k1', keys: { k1: key } }).seal('x', about)
    await assert.rejects(own.open(sealed, about), (error) => unknown(error) && (error as Error).cause === offline)
    await assert.rejects(own.seal('x', about), unknown)
    online = true
    assert.equal(await own.open(sealed, about), 'x')
  })

  test('that gives what is no key is told as such', async () => {
    const sealed = await cipherOf({ current: 'k2', keys: { k2: generateKey() } }).seal('x', about)
    const own = cipherOf({ current: 'k1', lookup: () => new Uint8Array(16) })
    await assert.rejects(own.open(sealed, about), (error) => unknown(error) && invalid((error as Error).cause))
  })

  test('does not replace a key that was added meanwhile', async () => {
    const key = generateKey()
    const [asked, found] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const lookup = () => {
      asked.resolve()
      return found.promise
    }
    const keys = roomKeys({ current: 'k1', lookup })
    const sealed = await cipherOf({ current: 'k1', keys: { k1: key } }).seal('x', about)
    const opening = encryption(keys).open(sealed, about)
    await asked.promise
    keys.add('k1', key)
    found.resolve(generateKey())
    assert.equal(await opening, 'x')
  })
})
