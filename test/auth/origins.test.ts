import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Origins } from '../../src/hub/auth/origins.ts'
import type { OriginList, RotundaError } from '../../src/mod.ts'

const passes = (list: OriginList | undefined, origin: string | null, host: string | null = 'chat.example.org') => {
  try {
    new Origins(list).check(origin, host)
    return true
  } catch (error) {
    assert.equal((error as RotundaError).code, 'forbidden')
    return false
  }
}

describe('without a list', () => {
  const own: [origin: string, host: string][] = [
    ['https://chat.example.org', 'chat.example.org'],
    ['http://chat.example.org', 'chat.example.org'],
    ['https://chat.example.org', 'chat.example.org:443'],
    ['http://chat.example.org', 'chat.example.org:80'],
    ['https://chat.example.org:8443', 'chat.example.org:8443'],
    ['http://localhost:3000', 'localhost:3000'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['https://CHAT.example.org', 'chat.EXAMPLE.org'],
  ]
  for (const [origin, host] of own) {
    test(`X5 pages of the host that is asked may connect: ${origin} to ${host}`, () =>
      assert.ok(passes(undefined, origin, host)))
  }

  test('X5 requests without an origin may always: they are not of browsers', () => {
    for (const list of [undefined, [], ['https://a.example'], '*'] as const) assert.ok(passes(list, null))
  })

  const others: [origin: string, host: string | null][] = [
    ['https://evil.example', 'chat.example.org'],
    ['https://chat.example.org.evil.example', 'chat.example.org'],
    ['https://evil-chat.example.org', 'chat.example.org'],
    ['https://example.org', 'chat.example.org'],
    ['https://chat.example.org:8443', 'chat.example.org'],
    ['https://chat.example.org', 'chat.example.org:8443'],
    ['null', 'chat.example.org'],
    ['', 'chat.example.org'],
    ['', ''],
    ['null', 'null'],
    ['file://', ''],
    ['https://chat.example.org', null],
    ['chat.example.org', 'chat.example.org'],
    ['https://chat.example.org, https://evil.example', 'chat.example.org'],
    ['https://evil.example, https://chat.example.org', 'chat.example.org'],
  ]
  for (const [origin, host] of others) {
    test(`X5 pages of others may not: ${origin} to ${host}`, () => assert.ok(!passes(undefined, origin, host)))
  }
})

describe('with a list', () => {
  const list = [
    'https://app.example.org',
    'https://*.example.net',
    'http://localhost:5173',
    'https://*.eu.*.example.com:444',
  ]

  test('X5 those on it may, in whole and to the letter; a star is one label', () => {
    for (
      const origin of [
        'https://app.example.org',
        'https://a.example.net',
        'https://x.eu.y.example.com:444',
        'http://localhost:5173',
      ]
    ) {
      assert.ok(passes(list, origin), origin)
    }
    for (
      const origin of [
        'http://app.example.org',
        'https://app.example.org:444',
        'https://app.example.org.evil.example',
        'https://example.net',
        'https://a.b.example.net',
        'https://a.example.net.evil.example',
        'https://evil.example/https://a.example.net',
        'https://.example.net',
        'https://appxexample.org',
        'http://localhost',
        'null',
      ]
    ) {
      assert.ok(!passes(list, origin), origin)
    }
  })

  test('X5 the server’s own origin must be on it, too', () => {
    assert.ok(!passes(list, 'https://chat.example.org'))
    assert.ok(!passes([], 'https://chat.example.org'))
  })

  test('X5 all may where that is said', () => {
    for (const all of ['*', ['*'], ['https://a.example', '*']] as const) assert.ok(passes(all, 'null'))
  })

  test('X5 schemes of applications can be on it', () =>
    assert.ok(passes(['capacitor://localhost'], 'capacitor://localhost')))

  for (
    const wrong of [
      'app.example.org',
      'https://app.example.org/',
      'https://app.example.org/page',
      'https://app.example.org:443',
      'https://APP.example.org',
      'https://user@app.example.org',
      'https://*',
      'https://a*.example.org',
      'https://**.example.org',
      'https://app.*',
      '',
      'null',
      7,
      undefined,
    ]
  ) {
    test(`X5 what no browser says as its origin keeps the server from starting: ${wrong}`, () => {
      assert.throws(() => new Origins([wrong as string]), { code: 'invalid_config', message: /origins has/ })
    })
  }

  test('X5 so does a list that is none', () => {
    assert.throws(() => new Origins('https://a.example' as '*'), {
      code: 'invalid_config',
      message: /must be "\*" or a list/,
    })
  })
})
