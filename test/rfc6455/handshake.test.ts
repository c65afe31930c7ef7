import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  acceptKey,
  checkRequest,
  checkResponse,
  handshakeRequest,
  handshakeResponse,
  type HeaderChanges,
  MAX_HTTP_HEAD,
  newKey,
  parseRequestHead,
  parseResponseHead,
  RotundaError,
} from '../../src/rfc6455/mod.ts'
import { sha1 } from '../../src/rfc6455/sha1.ts'
import { Random } from '../conformance/random.ts'

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('the accept key', () => {
  test('is that of RFC 6455 §1.3 and §4.2.2', () => {
    assert.equal(acceptKey(KEY), ACCEPT)
    assert.equal(acceptKey('x3JJHMbDL1EzLkh9GBhXDw=='), 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=')
  })

  test('is made with the SHA-1 that WebCrypto has', async () => {
    const random = new Random(1)
    for (let length = 0; length < 200; length++) {
      const bytes = Uint8Array.from({ length }, () => random.whole(0, 255))
      assert.deepEqual(sha1(bytes), new Uint8Array(await crypto.subtle.digest('SHA-1', bytes)), `${length} bytes`)
    }
  })

  test('answers keys that are 16 bytes in base64, another each time', () => {
    assert.match(newKey(), /^[+/0-9A-Za-z]{22}==$/)
    assert.notEqual(newKey(), newKey())
  })
})

/** RFC 6455 §1.2, without the line breaks of the page. */
const REQUEST = 'GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  `Sec-WebSocket-Key: ${KEY}\r\nOrigin: http://example.com\r\n` +
  'Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n'
const RESPONSE = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  `Sec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: chat\r\n\r\n`

describe('a request', () => {
  test('is written to the byte', () => {
    const head = 'GET /ws?a=1 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n`
    const options = { host: '127.0.0.1:80', path: '/ws?a=1', key: KEY }
    assert.equal(text(handshakeRequest(options)), `${head}\r\n`)
    const offering = handshakeRequest({ ...options, protocols: ['a', 'b'], headers: { Origin: 'http://x' } })
    assert.equal(text(offering), `${head}Sec-WebSocket-Protocol: a, b\r\nOrigin: http://x\r\n\r\n`)
  })

  test('can be a wrong one: headers replaced in any case, or left out', () => {
    const headers = { 'SEC-WebSocket-version': '8', Upgrade: undefined }
    const wrong = text(handshakeRequest({ host: 'h', key: KEY, method: 'POST', headers }))
    assert.equal(
      wrong,
      `POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${KEY}\r\nSEC-WebSocket-version: 8\r\n\r\n`,
    )
  })

  test('of the RFC is read, and what follows it is left', () => {
    const head = parseRequestHead(ascii(`${REQUEST}more`))
    assert.ok(head !== undefined)
    assert.deepEqual([head.method, head.target, head.size], ['GET', '/chat', REQUEST.length])
    assert.equal(head.headers.get('origin'), 'http://example.com')
    assert.deepEqual(checkRequest(head), { key: KEY, protocols: ['chat', 'superchat'], extensions: [] })
  })

  test('may come in pieces: until its end there is nothing', () => {
    const bytes = ascii(REQUEST)
    for (let size = 0; size < bytes.length; size++) assert.equal(parseRequestHead(bytes.subarray(0, size)), undefined)
  })

  test('that this writes is one that it accepts', () => {
    const head = parseRequestHead(handshakeRequest({ host: 'h', headers: { 'Sec-WebSocket-Extensions': 'x; y=1,z' } }))
    assert.ok(head !== undefined)
    assert.deepEqual(checkRequest(head).extensions, ['x; y=1', 'z'])
  })

  const wrong: [name: string, headers: HeaderChanges, says: RegExp, code?: string][] = [
    ['no Host', { Host: undefined }, /"Host" is missing/],
    ['no Upgrade', { Upgrade: undefined }, /"Upgrade" must be "websocket"/],
    ['another Upgrade', { Upgrade: 'h2c' }, /"Upgrade" must be "websocket"/],
    ['no Connection', { Connection: undefined }, /"Connection" must include/],
    ['Connection without Upgrade', { Connection: 'keep-alive, Upgraded' }, /"Connection" must include/],
    ['version 8', { 'Sec-WebSocket-Version': '8' }, /is "8"; it must be 13/, 'unsupported_version'],
    ['no version', { 'Sec-WebSocket-Version': undefined }, /must be 13/, 'unsupported_version'],
    ['no key', { 'Sec-WebSocket-Key': undefined }, /16 bytes in base64/],
    ['a short key', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }, /16 bytes in base64/],
    ['two keys', { 'Sec-WebSocket-Key': KEY, 'sec-websocket-key': KEY }, /16 bytes in base64/],
  ]
  for (const [name, headers, says, code = 'invalid_handshake'] of wrong) {
    test(`with ${name} is refused`, () => {
      const head = parseRequestHead(handshakeRequest({ host: 'h', key: KEY, headers }))
      assert.throws(() => checkRequest(head!), { name: 'RotundaError', code, message: says })
    })
  }

  test('that is no GET is refused', () => {
    const head = parseRequestHead(handshakeRequest({ host: 'h', method: 'POST' }))
    assert.throws(() => checkRequest(head!), { code: 'invalid_handshake', message: /not "POST"/ })
  })

  test('with Upgrade and Connection in any case and company is accepted', () => {
    const headers = { Upgrade: 'WebSocket', Connection: 'keep-alive ,uPGRADE' }
    assert.equal(checkRequest(parseRequestHead(handshakeRequest({ host: 'h', key: KEY, headers }))!).key, KEY)
  })
})

describe('a response', () => {
  const asked = { key: KEY, protocols: ['chat'] }

  test('is written to the byte as in RFC 6455 §1.2', () => {
    assert.equal(text(handshakeResponse(KEY, { protocol: 'chat' })), RESPONSE)
    const bare = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`
    assert.equal(text(handshakeResponse(KEY)), bare)
  })

  test('of the RFC is read and accepted', () => {
    const head = parseResponseHead(ascii(`${RESPONSE}\u0081\u0000`))
    assert.ok(head !== undefined)
    assert.deepEqual([head.status, head.reason, head.size], [101, 'Switching Protocols', RESPONSE.length])
    assert.deepEqual(checkResponse(head, asked), { protocol: 'chat', extensions: [] })
  })

  test('may use an extension that was offered', () => {
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover' }
    const head = parseResponseHead(handshakeResponse(KEY, { headers }))!
    const { extensions } = checkResponse(head, { key: KEY, extensions: ['permessage-deflate'] })
    assert.deepEqual(extensions, ['permessage-deflate; server_no_context_takeover'])
    assert.throws(() => checkResponse(head, asked), { message: /Extension "permessage-deflate" was not asked for/ })
  })

  const wrong: [name: string, headers: HeaderChanges, says: RegExp][] = [
    ['no Upgrade', { Upgrade: undefined }, /"Upgrade" must be/],
    ['no Connection', { Connection: 'close' }, /"Connection" must/],
    ['no accept key', { 'Sec-WebSocket-Accept': undefined }, /"Sec-WebSocket-Accept" is "null"/],
    ['another accept key', { 'Sec-WebSocket-Accept': 'HSmrc0sMlYUkAGmm5OPpG2HaGWk=' }, /not of the key/],
    ['another subprotocol', { 'Sec-WebSocket-Protocol': 'superchat' }, /"superchat" was not asked for/],
  ]
  for (const [name, headers, says] of wrong) {
    test(`with ${name} is refused`, () => {
      const head = parseResponseHead(handshakeResponse(KEY, { headers }))
      assert.throws(() => checkResponse(head!, asked), {
        name: 'RotundaError',
        code: 'invalid_handshake',
        message: says,
      })
    })
  }

  test('of another status is refused; a reason may be missing', () => {
    for (const [line, status] of [['HTTP/1.1 503 Service Unavailable', 503], ['HTTP/1.1 200', 200]] as const) {
      const head = parseResponseHead(ascii(`${line}\r\n\r\n`))
      assert.equal(head?.status, status)
      assert.throws(() => checkResponse(head!, asked), { message: new RegExp(`answered with ${status}`) })
    }
  })
})

describe('a head', () => {
  test('that is none of HTTP/1.1 is refused by name', () => {
    const requests = [
      '\r\n\r\n',
      'GET /\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      'GET /a b HTTP/1.1\r\n\r\n',
      'GET / HTTP/1.1\r\nno colon\r\n\r\n',
      'GET / HTTP/1.1\r\n: empty\r\n\r\n',
      'GET / HTTP/1.1\r\nspace : a\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: \u0000\r\n\r\n',
    ]
    for (const request of requests) {
      const says = { name: 'RotundaError', code: 'invalid_handshake' }
      assert.throws(() => parseRequestHead(ascii(request)), says, JSON.stringify(request))
    }
    for (const response of ['\r\n\r\n', 'HTTP/2 101 x\r\n\r\n', 'HTTP/1.1 1 x\r\n\r\n', 'HTTP/1.1 101x\r\n\r\n']) {
      assert.throws(() => parseResponseHead(ascii(response)), { code: 'invalid_handshake' }, JSON.stringify(response))
    }
  })

  test('is refused when it grows beyond its limit, whether or not it ends, and is read up to it', () => {
    const padded = (size: number) => {
      const start = 'GET / HTTP/1.1\r\nX: '
      return ascii(`${start}${'x'.repeat(size - start.length - 4)}\r\n\r\n`)
    }
    const says = { code: 'invalid_handshake', message: /larger than 16384 bytes/ }
    assert.equal(parseRequestHead(padded(MAX_HTTP_HEAD))?.size, MAX_HTTP_HEAD)
    assert.throws(() => parseRequestHead(padded(MAX_HTTP_HEAD + 1)), says)
    assert.throws(() => parseResponseHead(new Uint8Array(MAX_HTTP_HEAD)), says)
    assert.equal(parseRequestHead(new Uint8Array(MAX_HTTP_HEAD - 1)), undefined)
    assert.throws(() => parseRequestHead(padded(100), 99), { message: /larger than 99 bytes/ })
  })

  test('ends with an empty line and with nothing that looks like one', () => {
    for (const text of ['GET / HTTP/1.1\r\nHost: a\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\n', '\r\n', '\n\n']) {
      assert.equal(parseRequestHead(ascii(text)), undefined, JSON.stringify(text))
    }
  })

  test('keeps bytes above ASCII as HTTP has them', () => {
    const bytes = Uint8Array.from([...ascii('GET / HTTP/1.1\r\nX: '), 0xe9, 0x80, ...ascii('\r\n\r\n')])
    assert.equal(parseRequestHead(bytes)?.headers.get('x'), '\u00e9\u0080')
  })

  test('cannot be split by what is put into it', () => {
    const says = { name: 'RotundaError', code: 'invalid_handshake', message: /line break/ }
    assert.throws(() => handshakeRequest({ host: 'a\r\nX: b' }), says)
    assert.throws(() => handshakeRequest({ host: 'a', path: '/\n' }), says)
    assert.throws(() => handshakeRequest({ host: 'a', headers: { 'X\r\nY': 'b' } }), says)
    assert.throws(() => handshakeResponse(KEY, { protocol: 'a\r\n\r\n' }), says)
  })

  test('damaged at random is read or refused by a typed error', () => {
    const random = new Random(7)
    for (let i = 0; i < 5_000; i++) {
      const bytes = ascii(random.pick([REQUEST, RESPONSE]))
      for (let flips = random.whole(1, 6); flips > 0; flips--) {
        bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255)
      }
      try {
        const request = parseRequestHead(bytes)
        if (request !== undefined) checkRequest(request)
      } catch (error) {
        assert.ok(error instanceof RotundaError, String(error))
      }
      try {
        const response = parseResponseHead(bytes)
        if (response !== undefined) checkResponse(response, { key: KEY })
      } catch (error) {
        assert.ok(error instanceof RotundaError, String(error))
      }
    }
  })
})
