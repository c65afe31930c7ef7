import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { notFound } from '../../src/mod.ts'
import { validate } from '../../src/hub/definitions.ts'
import type { StandardSchema } from '../../src/protocol/mod.ts'
import { handshake, RawSocket } from '../support/raw_socket.ts'
import { HOSTS, spawnServer } from '../support/spawn_server.ts'
import { withServer } from '../host/conformance/rows.ts'
import { WireClient } from '../support/wire_client.ts'
import { RUNTIMES } from './attacked.ts'

/** What no answer may show: places in the code, stacks, what runs it. */
const INSIDE = /\.ts\b|node_modules|\/src\/|\/home\/|\/work\/|\/tmp\/|\n *at |file:\/\/|SQLITE|Bun v|Deno/
const LONG = 'y'.repeat(3_000)

/** Requests that are wrong in one way each. */
const WRONG: readonly [method: string, path: string, headers?: Record<string, string>, body?: string][] = [
  ['GET', `/rooms/${LONG}/history`],
  ['GET', '/rooms/%ff%fe/history'],
  ['GET', '/rooms/r/history?limit=<script>alert(1)</script>'],
  ['GET', `/rooms/r/history?before=${LONG}`],
  ['GET', `/rooms/r/history?after=${'9'.repeat(300)}`],
  ['DELETE', '/rooms/r/history'],
  ['GET', `/poll?room=r&cursor=${LONG}`],
  ['GET', `/poll?room=r&wait=${LONG}`],
  ['GET', `/poll?session=${LONG}`],
  ['GET', `/poll?session_id=${LONG}`],
  ['GET', `/sse?room=${LONG}`],
  ['GET', `/sse?room=r&after=${LONG}&epoch=e`],
  ['GET', '/sse?room=r', { 'last-event-id': LONG }],
  ['POST', '/send', { 'content-type': LONG }, '{}'],
  ['POST', '/send', { 'content-type': 'application/json' }, LONG],
  ['POST', '/send', { 'content-type': 'application/json' }, `{"type":"${LONG}"}`],
  ['POST', '/send', { 'content-type': 'application/json' }, `{"type":"chat.message","room":"${LONG}"}`],
  ['POST', '/send', { 'content-type': 'application/json', 'rotunda-session': LONG }, '{}'],
  ['PUT', '/send', {}, LONG],
  ['GET', '/ws', { 'sec-websocket-version': LONG }],
]

for (const host of HOSTS) {
  test(`${host}: wrong requests are answered in JSON that shows nothing of the inside, and of the request only little`, () => {
    return withServer({ host }, async ({ url, stderr }) => {
      for (const [method, path, headers = {}, body] of WRONG) {
        const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) })
        const text = await response.text()
        const what = `${method} ${path.slice(0, 60)}: ${response.status} ${text.slice(0, 300)}`
        assert.ok(response.status >= 400 && response.status < 500, what)
        assert.doesNotMatch(text, INSIDE, what)
        assert.ok(text.length < 600, `${text.length} characters for ${what}`)
        assert.match(response.headers.get('content-type') ?? '', /^application\/json/, what)
        assert.equal(response.headers.get('x-content-type-options'), 'nosniff', what)
      }
      assert.equal(stderr(), '', 'what clients do wrong is no reason to log')
    })
  })
}

for (const host of RUNTIMES) {
  describe(`${host}: answers`, () => {
    test('what a schema says of a client’s own names is cut', () => {
      return withServer({ host }, async ({ port }) => {
        const client = await WireClient.open(port)
        client.send({
          type: 'chat.message',
          room: 'r',
          ref: 'r',
          payload: { user: 'a', text: 'b', [LONG.repeat(10)]: 1 },
        })
        client.send({ type: 'chat.stats', room: 'r', ref: 's', payload: { [LONG.repeat(10)]: 1 } })
        client.send({ type: 'presence.set', room: LONG.repeat(10), ref: 'p', payload: {} })
        await client.ping()
        for (const frame of client.frames) assert.ok(frame.length < 1_000, frame.slice(0, 100))
        await client.close()
      })
    })

    test('a failure of the application is told as internal, and nothing more', () => {
      return withServer({ host, events: true }, async ({ port, url }) => {
        const client = await WireClient.open(port)
        client.send('!throw')
        const { payload } = await client.next({ type: 'error' })
        assert.deepEqual(payload, {
          code: 'internal',
          message: 'The server failed to handle this message.',
          retryable: false,
        })
        const thrown = await (await fetch(`${url}/throw`)).text()
        assert.doesNotMatch(thrown, INSIDE)
        assert.doesNotMatch(thrown, /fixture was told/)
        await client.close()
      })
    })

    test('cross-site: a page of another origin opens no WebSocket and no session, and sends nothing', () => {
      return withServer({ host }, async ({ port, url, sessions }) => {
        for (
          const origin of [
            'https://evil.example',
            'null',
            `http://127.0.0.1.evil.example:${port}`,
            'http://127.0.0.1:1',
            LONG,
          ]
        ) {
          const raw = await RawSocket.open(port)
          raw.write(handshake({ Origin: origin }))
          const { status, body } = await raw.response()
          assert.equal(status, 403, origin)
          assert.ok(body.length < 400 && !INSIDE.test(body), body)
          raw.destroy()
          // A form, an image or a script of such a page can ask for these without being asked first.
          for (const [method, path] of [['GET', '/sse?room=r'], ['POST', '/poll?room=r']] as const) {
            const response = await fetch(url + path, { method, headers: { origin } })
            await response.body?.cancel()
            assert.equal(response.status, 403, `${method} ${path}`)
          }
          const type = 'application/json'
          const body2 = JSON.stringify({ type: 'chat.message', room: 'r', ref: 'x', payload: { user: 'a', text: 'b' } })
          const sent = await fetch(`${url}/send`, {
            method: 'POST',
            headers: { origin, 'content-type': type },
            body: body2,
          })
          await sent.body?.cancel()
          assert.equal(sent.status, 403)
          assert.equal(sent.headers.get('access-control-allow-origin'), null)
        }
        assert.equal(await sessions(), 0)
        const own = await RawSocket.upgraded(port, { Host: `127.0.0.1:${port}`, Origin: `http://127.0.0.1:${port}` })
        own.destroy()
      })
    })

    test('cross-site: what a page can send without being asked first is not taken', () => {
      return withServer({ host }, async ({ url }) => {
        const body = JSON.stringify({ type: 'chat.message', room: 'r', ref: 'x', payload: { user: 'a', text: 'b' } })
        for (
          const type of [
            'text/plain',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=x',
            'text/plain; application/json',
          ]
        ) {
          const response = await fetch(`${url}/send`, { method: 'POST', headers: { 'content-type': type }, body })
          assert.equal(response.status, 400, type)
          await response.body?.cancel()
        }
        const { head } = await (await fetch(`${url}/rooms/r/history`)).json() as { head: number }
        assert.equal(head, 0)
      })
    })

    test('tokens and payloads are in no log, whatever goes wrong', async () => {
      const SECRET = 'sEcReT-tOkEn-123'
      const server = await spawnServer({ host, quotas: [{ metric: 'messages', window: 1, limit: 3 }] })
      const url = `${server.url}/sse?room=&token=${SECRET}&access_token=${SECRET}`
      await (await fetch(url, { headers: { authorization: `Bearer ${SECRET}`, cookie: `token=${SECRET}` } })).body
        ?.cancel()
      const raw = await RawSocket.open(server.port)
      raw.write(handshake({ Authorization: `Bearer ${SECRET}`, Upgrade: 'nonsense' }, { path: `/ws?token=${SECRET}` }))
      await raw.response()
      raw.destroy()
      const client = await WireClient.open(server.port)
      for (let i = 0; i < 20; i++) {
        client.send({
          type: 'chat.message',
          room: SECRET,
          ref: `${i}`,
          token: SECRET,
          key: SECRET,
          payload: { user: SECRET, text: SECRET },
        })
        client.send({ type: 'session.auth', ref: `a${i}`, payload: { token: SECRET } })
        client.send(SECRET)
      }
      await client.next({ ref: '19' })
      await client.close()
      await server.stop()
      assert.notEqual(server.stderr(), '', 'quotas warn')
      assert.doesNotMatch(server.stderr(), new RegExp(SECRET))
    })
  })
}

test('what a validator says, and a path that is not there, are cut', async () => {
  const schema = (message: string): StandardSchema => {
    return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message, path: [LONG] }] }) } }
  }
  const isCut = ({ message }: Error) => message.startsWith('payload.yyy') && message.length <= 512
  assert.throws(() => validate(schema(LONG), {}), isCut)
  const response = notFound(new Request(`http://host/${LONG}`))
  assert.equal(response.status, 404)
  assert.ok((await response.text()).length < 300)
})
