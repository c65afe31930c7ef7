import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { exportPKCS8, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { jwt, type JwtOptions } from '../../adapters/jwt/mod.ts'
import type { Identity, RotundaError } from '../../src/mod.ts'
import { readSource } from '../support/source.ts'
import { fill, inSeconds } from '../support/issuer.ts'

const SECRET = 'a secret of more than thirty-two bytes'
const COMMON = { issuer: 'issuer', audience: 'rotunda' }
const byHmac = jwt({ ...COMMON, secret: SECRET, clockTolerance: 2 })

function sign(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, secret = SECRET) {
  return new SignJWT(fill(claims)).setProtectedHeader({ alg: 'HS256', ...header }).sign(
    new TextEncoder().encode(secret),
  )
}

/** The token is refused with this message, and nothing of it is said. */
async function refused(token: string, says: string, { verify } = byHmac): Promise<void> {
  await assert.rejects(async () => await verify(token), (error: RotundaError) => {
    assert.deepEqual([error.code, error.message, error.retryable], ['unauthenticated', says, false])
    for (const part of token.split('.')) {
      if (part.length > 8) assert.ok(!`${error.message} ${error.stack} ${error.cause}`.includes(part))
    }
    return true
  })
}

describe('a good token', () => {
  test('X7 is an identity: subject, claims, grants, end, quotas', async () => {
    const rooms = { 'private-team-*': 'read', 'private-team-1': ['write'] }
    const quotas = [{ metric: 'messages', window: 1, limit: 5 }]
    const exp = inSeconds(60)
    const identity = await byHmac.verify(await sign({ rooms, quotas, exp, plan: 'pro' }))
    const { claims, ...rest } = identity
    assert.deepEqual(rest, { subject: 'user-1', grants: rooms, quotas, expiresAt: (exp + 2) * 1000 })
    assert.deepEqual([claims['plan'], claims['iss']], ['pro', 'issuer'])
  })

  test('X7 may have its claims under other names, several issuers and audiences, and no end if that is allowed', async () => {
    const lenient = jwt({
      secret: SECRET,
      issuer: ['other', 'issuer'],
      audience: ['rotunda', 'chat'],
      requireExpiry: false,
      claims: { subject: 'user', grants: 'https://example.org/rooms', quotas: 'q' },
    })
    const token = await sign({ exp: undefined, user: 'ada', 'https://example.org/rooms': { a: 'read' }, rooms: 7 })
    const { subject, grants, expiresAt } = await lenient.verify(token)
    assert.deepEqual([subject, grants, expiresAt], ['ada', { a: 'read' }, undefined])
  })

  test('X7 is within the tolerance of clocks', async () => {
    await byHmac.verify(await sign({ exp: inSeconds(-1) }))
    await byHmac.verify(await sign({ nbf: inSeconds(2), iat: inSeconds(2) }))
  })

  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
    test(`X7 may be signed with ${alg}, checked with the public key as PEM, as JSON Web Key or as CryptoKey`, async () => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
      const token = await new SignJWT(fill({})).setProtectedHeader({ alg }).sign(privateKey)
      const jwk = await crypto.subtle.exportKey('jwk', publicKey)
      for (const given of [await exportSPKI(publicKey), jwk, publicKey]) {
        assert.equal((await jwt({ ...COMMON, publicKey: given }).verify(token)).subject, 'user-1')
      }
    })
  }
})

describe('a bad token is refused, by what is wrong with it and without anything of it:', () => {
  const claims: [name: string, claims: Record<string, unknown>, says: string][] = [
    ['expired', { exp: inSeconds(-3) }, 'The token has expired.'],
    ['without an end', { exp: undefined }, 'The token has no claim "exp".'],
    ['with an end that is none', { exp: 'tomorrow' }, 'The token has no valid time of expiry.'],
    ['not valid yet', { nbf: inSeconds(60) }, 'The token is not valid yet.'],
    ['issued in the future', { iat: inSeconds(60) }, 'The token was issued in the future.'],
    ['for another audience', { aud: 'elsewhere' }, 'The token is for another audience.'],
    ['for nobody', { aud: undefined }, 'The token has no claim "aud".'],
    ['of another issuer', { iss: 'mallory' }, 'The token is of another issuer.'],
    ['of no issuer', { iss: undefined }, 'The token has no claim "iss".'],
    ['of no subject', { sub: undefined }, 'The token does not say whose it is.'],
    [
      'with grants that are none',
      { rooms: ['private-a'] },
      'The grants must be an object of rooms and what is allowed there.',
    ],
    [
      'with a grant of something unknown',
      { rooms: { 'private-a': 'admin' } },
      'A grant names no room, or allows something that is not known.',
    ],
    [
      'with contradicting grants',
      { rooms: { '*': ['read', 'write'], 'private-a': 'read' } },
      'Two grants contradict each other: one of a room allows less than one of all rooms that begin so.',
    ],
    [
      'with a quota of an unknown metric',
      { quotas: [{ metric: 'cpu', window: 1, limit: 1 }] },
      'The quotas are not valid.',
    ],
  ]
  for (const [name, given, says] of claims) test(`X7 ${name}`, async () => await refused(await sign(given), says))

  test('X7 not signed', async () => {
    await refused(new UnsecuredJWT(fill({})).encode(), 'The token is not signed.')
    const [, payload] = (await sign()).split('.')
    for (const alg of ['none', 'None', 'NONE']) {
      const header = btoa(JSON.stringify({ alg })).replaceAll('=', '')
      for (const signature of ['', 'AAAA']) {
        await refused(`${header}.${payload}.${signature}`, 'The token is not signed.')
      }
    }
  })

  test('X7 changed, or signed with another secret', async () => {
    const [header, , signature] = (await sign()).split('.')
    const [, payload] = (await sign({ sub: 'admin' })).split('.')
    await refused(`${header}.${payload}.${signature}`, 'The signature of the token is not valid.')
    await refused(
      await sign({}, {}, 'another secret of more than 32 bytes'),
      'The signature of the token is not valid.',
    )
  })

  test('X7 signed with another algorithm than agreed', async () => {
    await refused(
      await sign({}, { alg: 'HS512' }, SECRET.repeat(2)),
      'The token is signed with an algorithm that is not allowed.',
    )
  })

  test('X7 signed with the public key as if it were a secret', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    const pem = await exportSPKI(publicKey)
    const byKey = jwt({ ...COMMON, publicKey: pem })
    await refused(await sign({}, {}, pem), 'The token is signed with an algorithm that is not allowed.', byKey)
    await refused(await sign({}, { alg: 'ES256' }).catch(() => 'x.y.z'), 'The token is malformed.', byKey)
  })

  test('X7 malformed', async () => {
    const [header, payload, signature] = (await sign()).split('.')
    const list = btoa('[]').replaceAll('=', '')
    const tokens = ['', 'x', 'a.b', 'a.b.c', '..', `${header}.${payload}`, `${header}..${signature}`]
    tokens.push(
      `${list}.${payload}.${signature}`,
      `${header}.${payload}.${signature}.${signature}`,
      `${header}.!.${signature}`,
    )
    for (const token of tokens) {
      await assert.rejects(async () => await byHmac.verify(token), (error: RotundaError) => {
        assert.equal(error.code, 'unauthenticated', token)
        assert.match(error.message, /malformed|not valid/, token)
        return true
      })
    }
    await refused('x'.repeat(16_385), 'The token has more than 16384 characters.')
  })

  test('X7 with a header that must be understood and is not', async () => {
    const header = btoa(JSON.stringify({ alg: 'HS256', crit: ['b65'], b65: true })).replaceAll('=', '')
    const [, payload, signature] = (await sign()).split('.')
    await refused(`${header}.${payload}.${signature}`, 'The token is malformed.')
  })
})

describe('a token is found', () => {
  const request = (headers: Record<string, string>, path = '/ws') => new Request(`http://localhost${path}`, { headers })
  const subjectOf = async (from: JwtOptions['from'], given: Request) => {
    const options = from === undefined ? {} : { from }
    const found = await jwt({ ...COMMON, secret: SECRET, ...options, cookie: 'auth' }).authenticate(given)
    return (found as Identity | undefined)?.subject
  }

  test('X7 where it was said, and nowhere else', async () => {
    const token = await sign()
    const places = {
      header: request({ authorization: `Bearer ${token}` }),
      cookie: request({ cookie: `a=1; auth=${token}; b=2` }),
      subprotocol: request({ 'sec-websocket-protocol': `rotunda.v1.json, rotunda.token.${token}` }),
      query: request({}, `/ws?a=1&token=${token}`),
    } as const
    for (const [source, given] of Object.entries(places)) {
      for (const from of Object.keys(places) as (keyof typeof places)[]) {
        assert.equal(await subjectOf([from], given), from === source ? 'user-1' : undefined, `${from} ${source}`)
      }
      const isDefault = source === 'header' || source === 'subprotocol'
      assert.equal(await subjectOf(undefined, given), isDefault ? 'user-1' : undefined, source)
    }
  })

  test('X7 spelled as may be; other schemes and other cookies are no tokens', async () => {
    const token = await sign()
    assert.equal(await subjectOf(['header'], request({ authorization: `bearer  ${token} ` })), 'user-1')
    assert.equal(await subjectOf(['header'], request({ authorization: `Basic ${token}` })), undefined)
    assert.equal(await subjectOf(['cookie'], request({ cookie: `auth="${token}"` })), 'user-1')
    assert.equal(await subjectOf(['cookie'], request({ cookie: `xauth=${token}` })), undefined)
  })

  test('X7 once: two that differ are refused, the same twice is one', async () => {
    const [one, two] = [await sign(), await sign({ sub: 'admin' })]
    const both = (other: string) => request({ authorization: `Bearer ${one}`, cookie: `auth=${other}` })
    await assert.rejects(async () => await subjectOf(['header', 'cookie'], both(two)), {
      code: 'unauthenticated',
      message: /two different/,
    })
    assert.equal(await subjectOf(['header', 'cookie'], both(one)), 'user-1')
  })
})

describe('what cannot be right keeps the server from starting, without a word of the secret:', () => {
  const good = { ...COMMON, secret: SECRET }
  const { secret: _, ...keyless } = good
  const wrong: [name: string, options: unknown, says: RegExp][] = [
    ['no key', keyless, /one of "secret", "publicKey" and "jwks"/],
    ['two keys', { ...good, jwks: 'https://a.example' }, /and no two/],
    ['a short secret', { ...good, secret: 'hunter2' }, /32 bytes/],
    ['no issuer', { ...good, issuer: undefined }, /issuer must be/],
    ['an empty issuer', { ...good, issuer: '' }, /issuer must be/],
    ['no audience', { ...good, audience: [] }, /audience must be/],
    ['unsigned tokens', { ...good, algorithms: ['none'] }, /algorithms must be some of HS256/],
    ['no algorithm', { ...good, algorithms: [] }, /algorithms must be/],
    [
      'HMAC with a public key',
      { ...keyless, jwks: 'https://a.example', algorithms: ['RS256', 'HS256'] },
      /algorithms must be some of RS256/,
    ],
    ['public keys with a secret', { ...good, algorithms: ['RS256'] }, /algorithms/],
    ['keys over http', { ...keyless, jwks: 'http://keys.example/jwks' }, /https/],
    ['a URL that is none', { ...keyless, jwks: 'keys' }, /URL/],
    ['a set that is none', { ...keyless, jwks: { keys: 'none' } }, /set of keys/],
    ['a place that is none', { ...good, from: ['body'] }, /from must be some of header/],
    ['no place', { ...good, from: [] }, /from/],
    ['a cookie that is none', { ...good, cookie: 'a b' }, /cookie/],
    ['a parameter that is none', { ...good, query: '' }, /query/],
    [
      'a tolerance of hours',
      { ...good, clockTolerance: 7_200 },
      /clockTolerance must be a number of seconds from 0 to 300/,
    ],
    ['a PEM that is none', { ...keyless, publicKey: 'MIIB' }, /BEGIN PUBLIC KEY/],
  ]
  for (const [name, options, says] of wrong) {
    test(`X7 ${name}`, () => {
      assert.throws(() => jwt(options as JwtOptions), (error: RotundaError) => {
        assert.deepEqual([error.code, says.test(error.message)], ['invalid_config', true], error.message)
        assert.ok(!error.message.includes('hunter2') && !error.message.includes(SECRET))
        return true
      })
    })
  }

  test('X7 a private key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await crypto.subtle.exportKey('jwk', privateKey)
    for (const publicKey of [jwk, privateKey, await exportPKCS8(privateKey)]) {
      assert.throws(() => jwt({ ...COMMON, publicKey }), { code: 'invalid_config' })
    }
  })
})

test('X7 docs/auth.md says of every place where a token may be what it risks', () => {
  const { text } = readSource('docs/auth.md')
  const rows = [...text.matchAll(/^\| `(header|subprotocol|cookie|query)` +\|([^|]+)\|([^|]+)\|$/gm)]
  assert.deepEqual(rows.map(([, source]) => source), ['header', 'subprotocol', 'cookie', 'query'])
  for (const [, source, , risk] of rows) assert.ok(risk!.trim().length > 40, source!)
})
