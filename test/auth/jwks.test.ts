import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { jwt, type JwtOptions } from '../../adapters/jwt/mod.ts'
import { Issuer } from '../support/issuer.ts'

const COMMON = { issuer: 'issuer', audience: 'rotunda' }
const LIMIT = { timeout: 60_000 }

async function withIssuer(
  options: Partial<JwtOptions>,
  use: (issuer: Issuer, verify: (token: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  const issuer = await Issuer.start()
  const { verify } = jwt({ ...COMMON, jwks: issuer.url, ...options })
  try {
    await use(issuer, async (token) => (await verify(token)).subject)
  } finally {
    await issuer.stop()
  }
}

const UNREACHABLE = { code: 'overloaded', retryable: true, message: /cannot be read now/ }
const UNKNOWN = { code: 'unauthenticated', message: 'The token is signed with a key that is not known.' }

describe('keys elsewhere', () => {
  test(
    'X7 are asked for once, however many tokens come at once',
    LIMIT,
    () =>
      withIssuer({}, async (issuer, verify) => {
        const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => issuer.sign({ sub: `u${i}` })))
        assert.deepEqual(await Promise.all(tokens.map(verify)), tokens.map((_, i) => `u${i}`))
        assert.equal(issuer.asked, 1)
      }),
  )

  test(
    'X7 that cannot be read at the start refuse as retryable; once they can, tokens are good',
    LIMIT,
    () =>
      withIssuer({}, async (issuer, verify) => {
        const token = await issuer.sign()
        await issuer.stop()
        await assert.rejects(verify(token), UNREACHABLE)
        await assert.rejects(verify(token), UNREACHABLE)
        await issuer.listen()
        for (let subject = ''; subject !== 'user-1';) {
          subject = await verify(token).catch(({ code }) => code as string)
          assert.ok(subject === 'user-1' || subject === 'overloaded', subject)
          if (subject !== 'user-1') await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }),
  )

  for (const mistake of [{ status: 500, body: 'no' }, { status: 200, body: '<html>' }, { status: 200, body: '{}' }]) {
    test(
      `X7 that are none are as if they could not be read: ${mistake.status} ${mistake.body}`,
      LIMIT,
      () =>
        withIssuer({}, async (issuer, verify) => {
          issuer.mistake = mistake
          await assert.rejects(verify(await issuer.sign()), UNREACHABLE)
        }),
    )
  }

  test(
    'X7 go on working while they cannot be read again',
    LIMIT,
    () =>
      withIssuer({ jwksMaxAge: 0 }, async (issuer, verify) => {
        const token = await issuer.sign()
        assert.equal(await verify(token), 'user-1')
        await issuer.stop()
        for (let i = 0; i < 3; i++) assert.equal(await verify(token), 'user-1')
      }),
  )

  test('X7 but not for ever', LIMIT, () =>
    withIssuer({ jwksMaxAge: 0, jwksMaxStale: 0 }, async (issuer, verify) => {
      const token = await issuer.sign()
      assert.equal(await verify(token), 'user-1')
      await issuer.stop()
      await assert.rejects(verify(token), UNREACHABLE)
    }))

  test(
    'X7 that change are read again when a token names a new one; the old one is good no longer',
    LIMIT,
    () =>
      withIssuer({ jwksCooldown: 0 }, async (issuer, verify) => {
        const old = await issuer.sign()
        assert.equal(await verify(old), 'user-1')
        await issuer.rotate('k2')
        assert.equal(await verify(await issuer.sign({ sub: 'user-2' })), 'user-2')
        assert.equal(issuer.asked, 2)
        await assert.rejects(verify(old), UNKNOWN)
      }),
  )

  test(
    'X7 are not asked for by every token that names a key nobody has',
    LIMIT,
    () =>
      withIssuer({ jwksCooldown: 3_600 }, async (issuer, verify) => {
        assert.equal(await verify(await issuer.sign()), 'user-1')
        for (let i = 0; i < 10; i++) {
          await assert.rejects(verify(await issuer.sign({}, { kid: `made up ${i}` })), UNKNOWN)
        }
        assert.equal(issuer.asked, 1)
      }),
  )

  test(
    'X7 that changed while they cannot be read: a new one is perhaps good, so the client may try again',
    LIMIT,
    () =>
      withIssuer({ jwksCooldown: 0 }, async (issuer, verify) => {
        assert.equal(await verify(await issuer.sign()), 'user-1')
        await issuer.stop()
        await issuer.rotate('k2')
        await assert.rejects(verify(await issuer.sign()), UNREACHABLE)
      }),
  )

  test('X7 may be given as a set, of which each is tried where a token names none', LIMIT, async () => {
    const [a, b] = [await Issuer.start(), await Issuer.start()]
    try {
      const { verify } = jwt({ ...COMMON, jwks: { keys: [...a.keys.keys, ...b.keys.keys] } })
      for (const issuer of [a, b]) {
        assert.equal((await verify(await issuer.sign({}, { kid: undefined }))).subject, 'user-1')
      }
      await a.rotate('k9')
      await assert.rejects(async () => await verify(await a.sign({}, { kid: undefined })), { code: 'unauthenticated' })
    } finally {
      await Promise.all([a.stop(), b.stop()])
    }
  })
})
