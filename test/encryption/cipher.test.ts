import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import process from 'node:process'
import { describe, test } from 'node:test'
import { type EncryptedPayload, encryption, generateKey, importKey, roomKeys } from '../../src/client/encryption/mod.ts'
import { SenderKeys } from '../../src/client/encryption/sender_keys.ts'
import { RotundaError } from '../../src/protocol/mod.ts'
import { Random } from '../support/random.ts'

const SECRET = generateKey()
const about = { room: 'secret-1', type: 'chat.message', key: 'a:1' }
type About = typeof about

function cipher({ secret = SECRET, kid = 'k1', padding }: { secret?: string; kid?: string; padding?: number } = {}) {
  return encryption(roomKeys({ current: kid, keys: { [kid]: secret } }), { padding })
}

async function seal(payload: unknown, where: About = about, options: Parameters<typeof cipher>[0] = {}) {
  return await cipher(options).seal(payload, where) as EncryptedPayload
}

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code
const damaged = failsWith('decryption_failed')

/** The ways of docs/encryption.md, with another implementation of everything. */
function foreign({ room, type, key }: About, kid: string, iv: Buffer) {
  const secret = createHmac('sha256', Buffer.from(SECRET, 'base64')).update('rotunda encryption 1')
  const senderKey = secret.update(iv.subarray(0, 12)).digest()
  const parts = ['rotunda encryption 1', room, type, key, kid].map((part) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(part))
    return Buffer.concat([length, Buffer.from(part)])
  })
  return { senderKey, nonce: iv.subarray(12), additionalData: Buffer.concat(parts) }
}

function foreignSeal(plaintext: Buffer, where: About = about): EncryptedPayload {
  const iv = randomBytes(24)
  const { senderKey, nonce, additionalData } = foreign(where, 'k1', iv)
  const aes = createCipheriv('aes-256-gcm', senderKey, nonce)
  aes.setAAD(additionalData)
  const ct = Buffer.concat([aes.update(plaintext), aes.final(), aes.getAuthTag()])
  return { v: 1, kid: 'k1', key: where.key, iv: iv.toString('base64'), ct: ct.toString('base64') }
}

function foreignOpen(sealed: EncryptedPayload, where: About = about): Buffer {
  const [iv, ct] = [Buffer.from(sealed.iv, 'base64'), Buffer.from(sealed.ct, 'base64')]
  const { senderKey, nonce, additionalData } = foreign(where, sealed.kid, iv)
  const aes = createDecipheriv('aes-256-gcm', senderKey, nonce)
  aes.setAAD(additionalData)
  aes.setAuthTag(ct.subarray(-16))
  return Buffer.concat([aes.update(ct.subarray(0, -16)), aes.final()])
}

describe('what one member encrypts, another decrypts', () => {
  test('any JSON value', async () => {
    const seed = Number(process.env['ROTUNDA_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
    const random = new Random(seed)
    const [ana, ben] = [cipher(), cipher()]
    for (let n = 0; n < 300; n++) {
      const value = random.json(4)
      const opened = await ben.open(JSON.parse(JSON.stringify(await ana.seal(value, about))), about)
      assert.deepEqual(opened, JSON.parse(JSON.stringify(value)), `ROTUNDA_SEED=${seed}`)
    }
  })

  test('bytes, which stay bytes', async () => {
    for (const bytes of [new Uint8Array(0), new Uint8Array([0x80, 0, 0]), new Uint8Array(randomBytes(5_000))]) {
      const opened = await cipher().open(await seal(bytes), about)
      assert.ok(opened instanceof Uint8Array)
      assert.deepEqual([...opened], [...bytes])
      assert.equal(opened.buffer.byteLength, bytes.length)
    }
    const part = new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4)
    assert.deepEqual(await cipher().open(await seal(part), about), new Uint8Array([1, 2]))
  })

  test('as it was when it was given', async () => {
    const [payload, bytes] = [{ text: 'before' }, new Uint8Array([1])]
    const sealing = [seal(payload), seal(bytes)]
    payload.text = 'after'
    bytes[0] = 2
    const [first, second] = await Promise.all(sealing)
    assert.deepEqual(await cipher().open(first, about), { text: 'before' })
    assert.deepEqual(await cipher().open(second, about), new Uint8Array([1]))
  })

  test('by the ways that docs/encryption.md tells: node:crypto reads it, and is read', async () => {
    const json = Buffer.from('{"text":"Grüße"}')
    const sealed = await seal({ text: 'Grüße' })
    assert.deepEqual({ v: sealed.v, kid: sealed.kid, key: sealed.key }, { v: 1, kid: 'k1', key: 'a:1' })
    assert.deepEqual(foreignOpen(sealed), Buffer.concat([Buffer.from([0]), json, Buffer.from([0x80])]))
    const foreignJson = foreignSeal(Buffer.concat([Buffer.from([0]), json, Buffer.from([0x80, 0, 0])]))
    assert.deepEqual(await cipher().open(foreignJson, about), { text: 'Grüße' })
    assert.deepEqual(await cipher().open(foreignSeal(Buffer.from([1, 5, 6, 0x80])), about), new Uint8Array([5, 6]))
  })

  test('not what JSON cannot say: invalid_payload', async () => {
    const circular: { self?: unknown } = {}
    circular.self = circular
    for (const payload of [undefined, () => {}, circular, 1n]) {
      await assert.rejects(seal(payload), failsWith('invalid_payload'))
    }
  })
})

describe('decryption_failed', () => {
  test('for a message of which one character was changed, whichever', async () => {
    const sealed = await seal({ text: 'Hello!' })
    for (const field of ['kid', 'key', 'iv', 'ct'] as const) {
      for (let at = 0; at < sealed[field].length; at++) {
        const other = sealed[field][at] === 'A' ? 'B' : 'A'
        const changed = { ...sealed, [field]: sealed[field].slice(0, at) + other + sealed[field].slice(at + 1) }
        // The key is known under the changed id too: the id itself is bound.
        await assert.rejects(cipher({ kid: changed.kid }).open(changed, about), damaged, `${field} at ${at}`)
      }
    }
    assert.deepEqual(await cipher().open(sealed, about), { text: 'Hello!' })
  })

  test('for a message cut short, or made longer', async () => {
    const sealed = await seal({ text: 'Hello!' })
    for (const ct of [sealed.ct.slice(4), sealed.ct.slice(0, 24), `AAAA${sealed.ct}`]) {
      await assert.rejects(cipher().open({ ...sealed, ct }, about), damaged)
    }
  })

  test('for a message of another room, or under another type', async () => {
    const sealed = await seal({ text: 'Hello!' })
    for (const moved of [{ ...about, room: 'secret-2' }, { ...about, type: 'chat.typing' }]) {
      await assert.rejects(cipher().open(sealed, moved), damaged)
    }
  })

  test('for parts that only read the same when they are put together', async () => {
    const sealed = await seal('x', { room: 'ab', type: 'cd', key: 'ef' })
    await assert.rejects(cipher().open(sealed, { room: 'abc', type: 'd' }), damaged)
    await assert.rejects(cipher().open({ ...sealed, key: 'def' }, { room: 'ab', type: 'c' }), damaged)
  })

  test('for a message under another key of the same id', async () => {
    await assert.rejects(cipher().open(await seal('x', about, { secret: generateKey() }), about), damaged)
  })

  test('for plaintext, whatever it looks like', async () => {
    const sealed = await seal('x')
    const plain = [{ user: 'Eve', text: 'I am Ana' }, 'text', null, undefined, 7, [], new Uint8Array(9), {}]
    for (const payload of [...plain, { ...sealed, v: 0 }, { ...sealed, text: 'x' }, [sealed]]) {
      await assert.rejects(cipher().open(payload, about), damaged)
    }
  })

  test('for what a member encrypted against the rules, and nothing of it comes through', async () => {
    const text = (json: string) => Buffer.concat([Buffer.from([0]), Buffer.from(json), Buffer.from([0x80])])
    const wrong = {
      'nothing': Buffer.from([0, 0]),
      'no end': Buffer.from([0, 0x31, 0, 0]),
      'an end alone': Buffer.from([0x80, 0]),
      'an unknown kind': Buffer.from([2, 0x31, 0x80]),
      'no JSON': text('{"a":'),
      'an empty text': text(''),
      'broken UTF-8': Buffer.from([0, 0x22, 0xff, 0x22, 0x80]),
      'a prototype': text('{"a":[{"__proto__":{"admin":true}}]}'),
      'a hidden prototype': text('{"\\u005f_proto\\u005F_":{}}'),
    }
    for (const [name, plaintext] of Object.entries(wrong)) {
      await assert.rejects(cipher().open(foreignSeal(plaintext), about), damaged, name)
    }
    const harmless = '{"text":"__proto__ \\u00e9"}'
    assert.deepEqual(await cipher().open(foreignSeal(text(harmless)), about), { text: '__proto__ é' })
  })

  test('never tells what was in the message', async () => {
    const secret = 'the cat sat on the mat'
    const plaintext = Buffer.concat([Buffer.from([0]), Buffer.from(`{${secret}`), Buffer.from([0x80])])
    const error = await cipher().open(foreignSeal(plaintext), about).catch((thrown) => thrown as Error)
    assert.ok(damaged(error))
    assert.doesNotMatch((error as Error).message, /cat|mat/)
  })
})

describe('a message that a server gives twice', () => {
  const opened = (own: ReturnType<typeof cipher>, sealed: unknown, seq: number | undefined, room = about.room) =>
    own.open(sealed, { ...about, room, seq })

  test('is a failure in another place of the log, and is not where it belongs', async () => {
    const own = cipher()
    const [sealed, other] = [await seal('x'), await seal('y', { ...about, key: 'a:2' })]
    assert.equal(await opened(own, sealed, 5), 'x')
    assert.equal(await opened(own, other, 6), 'y')
    assert.equal(await opened(own, sealed, 5), 'x')
    await assert.rejects(opened(own, sealed, 7), damaged)
    await assert.rejects(opened(own, other, 4), damaged)
    assert.equal(await opened(own, sealed, 5), 'x')
  })

  test('is genuine where it was delivered first, however long each takes to decrypt', async () => {
    for (let n = 0; n < 200; n++) {
      const own = cipher()
      const sealed = await seal('x')
      const results = await Promise.allSettled([1, 2, 3].map((seq) => opened(own, sealed, seq)))
      assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected'])
    }
  })

  test('is no reason to doubt the genuine one, where only its outside was repeated', async () => {
    const own = cipher()
    const sealed = await seal('x')
    const results = await Promise.allSettled([
      opened(own, { ...sealed, ct: sealed.ct.toUpperCase() }, 1),
      opened(own, sealed, 2),
    ])
    assert.deepEqual(results.map(({ status }) => status), ['rejected', 'fulfilled'])
  })

  test('is one although it was encrypted twice, under one producer key', async () => {
    const own = cipher()
    assert.equal(await opened(own, await seal('x'), 1), 'x')
    await assert.rejects(opened(own, await seal('x'), 2), damaged)
  })

  test('is found out without a producer key, and is not where rooms have the same keys', async () => {
    const own = cipher()
    const keyless = await seal('x', { ...about, key: '' })
    assert.equal(await opened(own, keyless, 1), 'x')
    assert.equal(await opened(own, await seal('y', { ...about, key: '' }), 2), 'y')
    await assert.rejects(opened(own, keyless, 3), damaged)
    const elsewhere = await seal('z', { ...about, room: 'secret-2' })
    assert.equal(await opened(own, await seal('x'), 9), 'x')
    assert.equal(await opened(own, elsewhere, 1, 'secret-2'), 'z')
  })

  test('takes bounded memory: only the last ten thousand are remembered', { timeout: 60_000 }, async () => {
    const own = cipher()
    const first = await seal('x', { ...about, key: '0' })
    await opened(own, first, 1)
    for (let n = 1; n <= 10_000; n++) await opened(own, await own.seal(n, { ...about, key: `${n}` }), n + 1)
    assert.equal(await opened(own, first, 20_000), 'x')
  })

  test('is not told apart where it is not stored', async () => {
    const own = cipher()
    const sealed = await seal('x', { ...about, key: '' })
    assert.equal(await opened(own, sealed, undefined), 'x')
    assert.equal(await opened(own, sealed, undefined), 'x')
  })
})

describe('iv', () => {
  test('differs between all messages of all members, each of whom has another salt and counts', async () => {
    const ivs = new Set<string>()
    const salts = new Set<string>()
    for (let member = 0; member < 20; member++) {
      const own = cipher()
      const sealed = await Promise.all(Array.from({ length: 100 }, () => own.seal('x', about)))
      sealed.forEach((payload, count) => {
        const { iv } = payload as EncryptedPayload
        const bytes = Buffer.from(iv, 'base64')
        assert.equal(bytes.length, 24)
        assert.equal(bytes.readUInt32BE(12), count)
        ivs.add(iv)
        salts.add(bytes.toString('hex', 0, 12))
      })
    }
    assert.deepEqual([ivs.size, salts.size], [2_000, 20])
  })

  test('has a part that a machine cloned with its memory does not repeat', async () => {
    const own = new SenderKeys(importKey(SECRET))
    const randoms = await Promise.all(Array.from({ length: 100 }, async () => (await own.next()).iv.slice(22)))
    assert.equal(new Set(randoms).size, 100)
  })

  test('has another salt when the counter is used up', async () => {
    const own = new SenderKeys(importKey(SECRET), 3)
    const ivs = await Promise.all(Array.from({ length: 9 }, async () => Buffer.from((await own.next()).iv, 'base64')))
    assert.deepEqual(ivs.map((iv) => iv.readUInt32BE(12)), [0, 1, 2, 0, 1, 2, 0, 1, 2])
    assert.equal(new Set(ivs.map((iv) => iv.toString('hex', 0, 12))).size, 3)
  })

  test('finds its key again, also when there are more senders than are remembered', async () => {
    const roomKey = importKey(SECRET)
    let derived = 0
    // Every key that is derived asks for the room's.
    const counted: Pick<Promise<CryptoKey>, 'then'> = {
      then: (resolve, reject) => {
        derived += 1
        return roomKey.then(resolve, reject)
      },
    }
    const reader = new SenderKeys(counted as Promise<CryptoKey>)
    const senders = await Promise.all(Array.from({ length: 1_100 }, () => new SenderKeys(roomKey).next()))
    const data = new Uint8Array(8)
    for (const { iv, key, nonce } of [...senders, ...senders.slice(0, 50)]) {
      const found = await reader.find(iv)
      assert.deepEqual(found.nonce, nonce)
      const ct = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, data)
      assert.deepEqual(new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, found.key, ct)), data)
    }
    assert.equal(derived, 1_150)
    for (const { iv } of senders.slice(-900)) await reader.find(iv)
    assert.equal(derived, 1_150)
  })
})

describe('padding', () => {
  test('makes messages of different sizes as long as each other', async () => {
    const length = async (size: number, padding?: number) => {
      const sealed = await seal(new Uint8Array(size), about, { ...(padding === undefined ? {} : { padding }) })
      assert.deepEqual(await cipher().open(sealed, about), new Uint8Array(size))
      return Buffer.from(sealed.ct, 'base64').length - 16
    }
    assert.deepEqual(await Promise.all([0, 1, 254].map((size) => length(size, 256))), [256, 256, 256])
    assert.deepEqual(await Promise.all([255, 510].map((size) => length(size, 256))), [512, 512])
    assert.deepEqual(await Promise.all([0, 1, 254].map((size) => length(size))), [2, 3, 256])
  })

  test('is a whole number from 1 to 65,536', () => {
    const keys = roomKeys({ current: 'k1', keys: { k1: SECRET } })
    for (const padding of [0, -1, 1.5, NaN, 65_537, '256' as unknown as number]) {
      assert.throws(() => encryption(keys, { padding }), failsWith('invalid_config'))
    }
  })
})
