import assert from 'node:assert/strict'
import { handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, served } from './rows.ts'

async function answerTo(
  server: SpawnedServer,
  request: string,
): Promise<{ status: number; headers: Map<string, string>; body: string }> {
  const raw = await RawSocket.open(server.port)
  raw.write(request)
  const response = await raw.response()
  raw.destroy()
  return response
}

/** How requests become WebSockets, or not. */
export function handshakes(host: HostName): void {
  row(host, 'handshake', (test) => {
    const server = served({ host, events: true })
    const answeredByDeno = (name: string) => onDeno(host) && name === 'POST'

    test('is answered with 101 and the accept key of RFC 6455', async () => {
      const { status, headers } = await answerTo(server(), handshake())
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
        assert.equal((await answerTo(server(), handshake(changes, { path }))).status, 101)
      })
    }

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
        const answer = await answerTo(server(), request)
        assert.equal(answer.status, status)
        if (answeredByDeno(name)) return
        const { type, payload } = JSON.parse(answer.body) as { type: string; payload: Record<string, unknown> }
        assert.deepEqual([type, payload['code'], payload['retryable']], ['error', code, false])
        assert.match(String(payload['message']), says)
        assert.equal(answer.headers.get('sec-websocket-version'), status === 426 ? '13' : undefined)
      }, { substitute: answeredByDeno(name) && 'post-upgrade' })
    }

    test('of several bad ones on one connection each is answered', async () => {
      const raw = await RawSocket.open(server().port)
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
        const raw = await RawSocket.open(server().port)
        raw.socket.end(junk)
        await raw.closed
      }
      assert.equal((await fetch(`${server().url}/health`)).status, 200)
    })

    test('after all of which the process lives and has logged nothing', () => {
      assert.ok(server().isAlive())
      assert.equal(server().stderr(), '', 'a bad request is no reason to log')
    })
  })
}

/** Which subprotocol is agreed on. */
export function subprotocols(host: HostName): void {
  row(host, 'subprotocol', (test) => {
    const server = served({ host, events: true })

    test('chooses the subprotocol it knows, and none when it knows none', async () => {
      const chosen = async (offer: string) => {
        const { status, headers } = await answerTo(server(), handshake({ 'Sec-WebSocket-Protocol': offer }))
        assert.equal(status, 101)
        return headers.get('sec-websocket-protocol')
      }
      assert.equal(await chosen('rotunda.v1.json'), 'rotunda.v1.json')
      assert.equal(await chosen('graphql-ws, rotunda.v1.json,x'), 'rotunda.v1.json')
      assert.equal(await chosen('graphql-ws'), undefined)
      assert.equal(await chosen('ROTUNDA.V1.JSON'), undefined)
    })

    test('a client of the runtime gets the one agreed on, and is served without one', async () => {
      const offers: [offer: string[], agreed: string][] = [
        [['graphql-ws', 'rotunda.v1.json'], 'rotunda.v1.json'],
        [[], ''],
      ]
      for (const [offer, agreed] of offers) {
        const client = await WireClient.open(server().port, offer)
        assert.equal(client.protocol, agreed)
        await client.ping()
        await client.close()
      }
    })
  })
}
