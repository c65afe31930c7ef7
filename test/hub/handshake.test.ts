import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { handshake, RawSocket } from '../support/raw_socket.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'

describe('the handshake', () => {
  let server: SpawnedServer
  before(async () => server = await spawnServer())
  after(async () => {
    assert.ok(server.isAlive(), server.stderr())
    await server.stop()
    assert.equal(server.stderr(), '', 'a bad request is no reason to log')
  })

  async function answerTo(request: string): Promise<{ status: number; headers: Map<string, string>; body: string }> {
    const raw = await RawSocket.open(server.port)
    raw.write(request)
    const response = await raw.response()
    raw.destroy()
    return response
  }

  test('is answered with 101 and the accept key of RFC 6455', async () => {
    const { status, headers } = await answerTo(handshake())
    assert.equal(status, 101)
    assert.equal(headers.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
    assert.equal(headers.get('upgrade')?.toLowerCase(), 'websocket')
    assert.equal(headers.get('connection')?.toLowerCase(), 'upgrade')
    assert.equal(headers.has('sec-websocket-protocol'), false)
  })

  const accepted: [name: string, changes: Record<string, string>][] = [
    ['Upgrade in any case', { Upgrade: 'WebSocket' }],
    ['Upgrade in capitals', { Upgrade: 'WEBSOCKET' }],
    ['Connection with several tokens', { Connection: 'keep-alive, Upgrade' }],
    ['Connection tokens in any case and spacing', { Connection: 'keep-alive ,uPGRADE' }],
    ['a query', {}],
  ]
  for (const [name, changes] of accepted) {
    test(`accepts ${name}`, async () => {
      const path = name === 'a query' ? '/ws?token=x' : '/ws'
      assert.equal((await answerTo(handshake(changes, { path }))).status, 101)
    })
  }

  test('chooses the subprotocol it knows, and none when it knows none', async () => {
    const chosen = async (offer: string) => {
      const { status, headers } = await answerTo(handshake({ 'Sec-WebSocket-Protocol': offer }))
      assert.equal(status, 101)
      return headers.get('sec-websocket-protocol')
    }
    assert.equal(await chosen('rotunda.v1.json'), 'rotunda.v1.json')
    assert.equal(await chosen('graphql-ws, rotunda.v1.json,x'), 'rotunda.v1.json')
    assert.equal(await chosen('graphql-ws'), undefined)
    assert.equal(await chosen('ROTUNDA.V1.JSON'), undefined)
  })

  const refused: [name: string, request: string, status: number, code: string, says: RegExp][] = [
    [
      'POST',
      handshake({ 'Content-Length': '0' }, { method: 'POST' }),
      400,
      'invalid_handshake',
      /GET request, not "POST"/,
    ],
    ['no Upgrade', handshake({ Upgrade: undefined }), 400, 'invalid_handshake', /"Upgrade" must be "websocket"/],
    ['another Upgrade', handshake({ Upgrade: 'h2c' }), 400, 'invalid_handshake', /"Upgrade" must be "websocket"/],
    ['no Connection', handshake({ Connection: undefined }), 400, 'invalid_handshake', /"Connection" must include/],
    [
      'Connection without Upgrade',
      handshake({ Connection: 'keep-alive, Upgraded' }),
      400,
      'invalid_handshake',
      /"Connection"/,
    ],
    ['version 8', handshake({ 'Sec-WebSocket-Version': '8' }), 426, 'unsupported_version', /"8"; it must be 13/],
    ['no version', handshake({ 'Sec-WebSocket-Version': undefined }), 426, 'unsupported_version', /it must be 13/],
    ['no key', handshake({ 'Sec-WebSocket-Key': undefined }), 400, 'invalid_handshake', /16 bytes in base64/],
    [
      'a short key',
      handshake({ 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }),
      400,
      'invalid_handshake',
      /16 bytes in base64/,
    ],
    ['a long key', handshake({ 'Sec-WebSocket-Key': `${'a'.repeat(500)}==` }), 400, 'invalid_handshake', /16 bytes/],
    [
      'a key that is not base64',
      handshake({ 'Sec-WebSocket-Key': '!!!!!!!!!!!!!!!!!!!!!!==' }),
      400,
      'invalid_handshake',
      /16 bytes/,
    ],
    ['a Host that is none', handshake({ Host: '[' }), 400, 'invalid_frame', /is not one/],
  ]
  for (const [name, request, status, code, says] of refused) {
    test(`refuses ${name} with ${status} and a reason`, async () => {
      const answer = await answerTo(request)
      assert.equal(answer.status, status)
      const { type, payload } = JSON.parse(answer.body) as { type: string; payload: Record<string, unknown> }
      assert.deepEqual([type, payload['code'], payload['retryable']], ['error', code, false])
      assert.match(String(payload['message']), says)
      assert.equal(answer.headers.get('sec-websocket-version'), status === 426 ? '13' : undefined)
    })
  }

  test('of several bad ones on one connection each is answered', async () => {
    const raw = await RawSocket.open(server.port)
    for (let i = 0; i < 3; i++) {
      raw.write(handshake({ 'Sec-WebSocket-Key': 'x' }))
      assert.equal((await raw.response()).status, 400)
    }
    raw.write(handshake())
    assert.equal((await raw.response()).status, 101)
    raw.destroy()
  })

  test('of what is not HTTP leaves the server alive', async () => {
    for (
      const junk of [
        '\r\n\r\n',
        '\u0000\u0001\u0002\r\n\r\n',
        'GET /ws\r\n\r\n',
        `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
      ]
    ) {
      const raw = await RawSocket.open(server.port)
      raw.socket.end(junk)
      await raw.closed
    }
    assert.equal((await fetch(`${server.url}/health`)).status, 200)
  })
})

test('an application that throws while it answers a request is answered for, without telling why', async () => {
  const server = await spawnServer()
  const response = await fetch(`${server.url}/throw`)
  const body = await response.text()
  await server.stop()
  assert.equal(response.status, 500)
  assert.equal(JSON.parse(body).payload.code, 'internal')
  assert.doesNotMatch(body, /told to fail|\.ts/)
  assert.match(server.stderr(), /told to fail/)
})

describe('history over HTTP', () => {
  let server: SpawnedServer
  before(async () => server = await spawnServer({ seed: { room: 'a b/ü', messages: 3, trimmed: 0 } }))
  after(() => server.stop())

  const errors: [path: string, status: number, code: string, says: RegExp][] = [
    ['/rooms/a/history?limit=-1', 400, 'invalid_limit', /payload\.limit is "-1"/],
    ['/rooms/a/history?limit=201', 400, 'invalid_limit', /0 to 200/],
    ['/rooms/a/history?limit=99999999999999999999', 400, 'invalid_limit', /0 to 200/],
    ['/rooms/a/history?limit=1e1', 400, 'invalid_limit', /"1e1"/],
    ['/rooms/a/history?limit=', 400, 'invalid_limit', /is ""/],
    ['/rooms/a/history?limit=%00', 400, 'invalid_limit', /whole number/],
    ['/rooms/a/history?before=5', 400, 'invalid_cursor', /20 digits/],
    ['/rooms/a/history?before=__proto__', 400, 'invalid_cursor', /20 digits/],
    ['/rooms/a/history?after=-1', 400, 'invalid_cursor', /from 0/],
    ['/rooms/a/history?after=x', 400, 'invalid_cursor', /"x"/],
    ['/rooms/a/history?after=1&before=00000000000000000001', 400, 'invalid_cursor', /exclude/],
    ['/rooms/%zz/history', 400, 'invalid_room', /not URL-encoded/],
    ['/rooms/%ff/history', 400, 'invalid_room', /not URL-encoded/],
    ['/rooms/%ed%a0%80/history', 400, 'invalid_room', /not URL-encoded/],
    ['/rooms//history', 400, 'invalid_room', /must not be empty/],
    [`/rooms/${'x'.repeat(129)}/history`, 400, 'invalid_room', /longer than 128/],
    ['/rooms/a%00/history', 400, 'invalid_room', /control characters/],
  ]
  for (const [path, status, code, says] of errors) {
    test(`${path.slice(0, 60)}: ${code}`, async () => {
      // Not by `fetch`, which would put some of these paths right.
      const raw = await RawSocket.open(server.port)
      raw.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      const response = await raw.response()
      raw.destroy()
      assert.equal(response.status, status)
      const { type, payload } = JSON.parse(response.body) as {
        type: string
        payload: { code: string; message: string }
      }
      assert.deepEqual([type, payload.code], ['error', code])
      assert.match(payload.message, says)
    })
  }

  test('reads a room whose name is encoded, and ignores parameters it does not know', async () => {
    const response = await fetch(`${server.url}/rooms/a%20b%2F%C3%BC/history?limit=2&color=red`)
    assert.equal(response.status, 200)
    const { messages, head } = await response.json() as { messages: { seq: number }[]; head: number }
    assert.deepEqual([messages.map(({ seq }) => seq), head], [[3, 2], 3])
  })

  test('is read with GET only', async () => {
    const response = await fetch(`${server.url}/rooms/a/history`, { method: 'DELETE' })
    assert.equal(response.status, 405)
    await response.body?.cancel()
  })
})
