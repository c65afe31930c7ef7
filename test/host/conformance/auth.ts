import assert from 'node:assert/strict'
import { askServer, errorCode, EventReader, Poller, sending } from '../../support/http_client.ts'
import { Issuer } from '../../support/issuer.ts'
import { handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { inSeconds, signed } from '../../support/tokens.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, type RowTest, served, withServer } from './rows.ts'

const auth = { secret: signed.secret }
const hi = { user: 'a', text: 'hi' }
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function knock(server: SpawnedServer, headers: Record<string, string>, path = '/ws') {
  const raw = await RawSocket.open(server.port)
  raw.write(handshake(headers, { path }))
  const { status, headers: answered, body } = await raw.response()
  raw.destroy()
  const { payload } = (status === 101 ? { payload: {} } : JSON.parse(body)) as {
    payload: { code?: string; message?: string }
  }
  return { status, answered, ...payload }
}

const open = (server: SpawnedServer, token: string) => {
  return WireClient.open(server.port, ['rotunda.v1.json', `rotunda.token.${token}`])
}

/** No line that the server wrote has a part of a token in it. */
function assertUntold(server: SpawnedServer, ...tokens: string[]): void {
  const written = server.stderr()
  for (const part of tokens.flatMap((token) => token.split('.'))) {
    if (part.length > 8) assert.ok(!written.includes(part), `the server wrote ${part}`)
  }
}

/** Who may come in, by their token. */
export function authentication(host: HostName): void {
  row(host, 'auth', (test) => {
    handshakes(test, served({ host, auth: { ...auth, from: ['header', 'subprotocol', 'cookie', 'query'] } }))
    sessions(test, host)
    overHttp(test, served({ host, auth, events: true }))
    httpExpiry(test, host)
    keysElsewhere(test, host)
  })
}

function handshakes(test: RowTest, server: () => SpawnedServer): void {
  test('X7 a token in header, subprotocol, cookie or query opens a session; the subprotocol is not answered', async () => {
    const token = await signed()
    const offered = { 'Sec-WebSocket-Protocol': `rotunda.token.${token}, rotunda.v1.json` }
    for (const headers of [{ Authorization: `Bearer ${token}` }, { Cookie: `token=${token}` }, offered]) {
      const { status, answered } = await knock(server(), headers)
      assert.equal(status, 101)
      assert.equal(answered.get('sec-websocket-protocol'), headers === offered ? 'rotunda.v1.json' : undefined)
      assert.ok(![...answered.values()].join().includes(token))
    }
    assert.equal((await knock(server(), {}, `/ws?token=${token}`)).status, 101)
    const alone = await knock(server(), { 'Sec-WebSocket-Protocol': `rotunda.token.${token}` })
    assert.deepEqual([alone.status, alone.answered.has('sec-websocket-protocol')], [101, false])
  })

  test('X7 without one, or with a bad one, the answer is 401 before the upgrade, and says what is wrong', async () => {
    const [expired, future, elsewhere] = await Promise.all([
      signed({ exp: inSeconds(-10) }),
      signed({ nbf: inSeconds(60) }),
      signed({ aud: 'elsewhere' }),
    ])
    const forged = await signed({}, 'another secret of more than 32 bytes')
    const [, payload] = forged.split('.')
    const unsigned = `${btoa('{"alg":"none"}').replaceAll('=', '')}.${payload}.`
    const bad: [token: string, says: RegExp][] = [
      [expired, /expired/],
      [future, /not valid yet/],
      [elsewhere, /another audience/],
      [forged, /signature/],
      [unsigned, /not signed/],
      ['aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc', /malformed/],
      [await signed({ rooms: { 'private-a': 'admin' } }), /grant/],
      [await signed({ rooms: { '*': ['read', 'write'], 'private-a': 'read' } }), /contradict/],
      [await signed({ iat: inSeconds(60) }), /future/],
      [await signed({ quotas: [{ metric: 'cpu', window: 1, limit: 1 }] }), /quotas/],
    ]
    for (const [token, says] of bad) {
      const { status, answered, code, message } = await knock(server(), { Authorization: `Bearer ${token}` })
      assert.deepEqual([status, code, answered.get('www-authenticate')], [401, 'unauthenticated', 'Bearer'])
      assert.match(message!, says)
      for (const part of token.split('.')) assert.ok(part.length < 9 || !message!.includes(part))
    }
    const { status, code, message } = await knock(server(), {})
    assert.deepEqual([status, code], [401, 'unauthenticated'])
    assert.match(message!, /no token/)
    assertUntold(server(), ...bad.map(([token]) => token))
  })
}

function sessions(test: RowTest, host: HostName): void {
  const server = served({ host, auth, events: true })

  test('X7 a session has what its token grants, in reading and writing apart', async () => {
    const token = await signed({ rooms: { 'private-team-*': 'read', 'private-team-1': 'write' } })
    const client = await open(server(), token)
    const { payload } = await client.next({ type: 'session.welcome' })
    const { subject, expiresIn } = (payload as { identity: { subject: string; expiresIn: number } }).identity
    assert.deepEqual([subject, expiresIn > 500_000 && expiresIn <= 600_000], ['user-1', true])
    client.send({ type: 'room.join', room: 'private-team-2', ref: 'join' })
    await client.next({ type: 'room.joined', ref: 'join' })
    client.send({ type: 'chat.message', room: 'private-team-2', ref: 'publish', payload: hi })
    assert.equal((await client.errorOf('publish')).code, 'forbidden')
    client.send({ type: 'chat.message', room: 'private-team-1', ref: 'written', payload: hi })
    await client.next({ type: 'ack', ref: 'written' })
    client.send({ type: 'room.join', room: 'private-other', ref: 'other' })
    assert.equal((await client.errorOf('other')).code, 'forbidden')
    await client.close()
  })

  test('X7 a session ends with its token, with 4401, unless it brings another one in time', () => {
    return withServer({ host, auth, events: true }, async (server) => {
      const short = await signed({ exp: inSeconds(5) })
      const [late, renewed] = [await open(server, short), await open(server, short)]
      const fresh = await signed({ exp: inSeconds(600), rooms: { 'private-a': 'read' } })
      renewed.send({ type: 'session.auth', ref: 'auth', payload: { token: fresh } })
      renewed.send({ type: 'room.join', room: 'private-a', ref: 'join' })
      assert.equal((await renewed.next({ type: 'session.auth', ref: 'auth' })).kind, 'reply')
      await renewed.next({ type: 'room.joined', ref: 'join' })
      assert.equal((await late.closed).code, 4401)
      assert.equal((await late.errorOf(undefined)).code, 'unauthenticated')
      await renewed.ping()
      const other = await signed({ sub: 'user-2' })
      renewed.send({ type: 'session.auth', ref: 'other', payload: { token: other } })
      assert.equal((await renewed.errorOf('other')).code, 'forbidden')
      renewed.send({ type: 'session.auth', ref: 'bad', payload: { token: 'aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc' } })
      assert.equal((await renewed.errorOf('bad')).code, 'unauthenticated')
      await renewed.close()
      assertUntold(server, short, fresh, other)
      assert.ok(!JSON.stringify((await server.events()).filter(({ type }) => type !== 'message')).includes(fresh))
    })
  }, { waits: true })

  test('X8 the sessions of who is revoked are closed with 4401, and nobody else’s', async () => {
    const [mallory, ada] = [
      await open(server(), await signed({ sub: 'mallory' })),
      await open(server(), await signed()),
    ]
    await Promise.all([mallory.ping(), ada.ping()])
    assert.equal(await (await fetch(`${server().url}/revoke?subject=mallory`)).json(), 1)
    assert.equal((await mallory.closed).code, 4401)
    await ada.ping()
    await ada.close()
  })

  test('X7 X8 a session that may go on without its token is out of what that granted, and nothing more comes', () => {
    return withServer({ host, auth: { ...auth, anonymous: true, onExpiry: 'downgrade' } }, async (server) => {
      const rooms = { 'private-a': ['read', 'write'] }
      const reader = await open(server, await signed({ exp: inSeconds(5), rooms }))
      const writer = await open(server, await signed({ rooms }))
      for (const room of ['private-a', 'open']) {
        reader.send({ type: 'room.join', room, ref: room })
        await reader.next({ type: 'room.joined', ref: room })
      }
      assert.equal((await reader.next({ type: 'room.left' })).room, 'private-a')
      writer.send({ type: 'chat.message', room: 'private-a', ref: '1', payload: hi })
      await writer.next({ type: 'ack', ref: '1' })
      reader.send({ type: 'room.join', room: 'private-a', ref: 'replay', payload: { last: 10 } })
      assert.equal((await reader.errorOf('replay')).code, 'forbidden')
      await reader.ping()
      assert.deepEqual(reader.unread.filter(({ type }) => type === 'chat.message'), [])
      const anonymous = await WireClient.open(server.port)
      await anonymous.ping()
      await Promise.all([reader.close(), writer.close(), anonymous.close()])
    })
  }, { waits: true })

  test('M4 a session has the quotas of its token', async () => {
    const quotas = [{ metric: 'messages', window: 60, limit: 1, types: ['chat.message'] }]
    const [few, many] = [await open(server(), await signed({ quotas })), await open(server(), await signed())]
    for (const client of [few, many]) {
      for (const ref of ['1', '2']) client.send({ type: 'chat.message', room: 'quota', ref, payload: hi })
      await client.next({ type: 'ack', ref: '1' })
    }
    assert.equal((await few.errorOf('2')).code, 'quota_exceeded')
    await many.next({ type: 'ack', ref: '2' })
    await Promise.all([few.close(), many.close()])
  })
}

function overHttp(test: RowTest, server: () => SpawnedServer): void {
  const requests: [method: string, path: string][] = [
    ['GET', '/sse?room=open'],
    ['POST', '/poll?room=open'],
    ['GET', '/poll?room=open'],
    ['GET', '/rooms/open/history'],
    ['POST', '/send'],
  ]
  for (const [method, path] of requests) {
    test(`X7 ${method} ${path} needs a token, too`, async () => {
      const message = { type: 'chat.message', room: 'open', ref: '1', payload: hi }
      const init = path === '/send' ? sending(message) : { method }
      assert.equal(await errorCode(await fetch(server().url + path, init)), '401 unauthenticated')
      const headers = { ...init.headers as Record<string, string>, ...bearer(await signed()) }
      const response = await fetch(server().url + path, { ...init, headers })
      await response.body?.cancel()
      assert.ok(response.status < 300, `${response.status}`)
    })
  }

  test('X7 reading a room over HTTP needs the same grant as over a WebSocket', async () => {
    const [with_, without] = [bearer(await signed({ rooms: { 'private-a': 'read' } })), bearer(await signed())]
    for (const path of ['/rooms/private-a/history', '/poll?room=private-a']) {
      const response = await fetch(server().url + path, { headers: with_ })
      await response.body?.cancel()
      assert.equal(response.status, 200)
      assert.equal(await errorCode(await fetch(server().url + path, { headers: without })), '403 forbidden')
    }
  })

  test('X9 a session over HTTP is not to be had with the token of somebody else, or without one', async () => {
    const ask = askServer(server().url)
    const poller = await Poller.open(ask, '', bearer(await signed()))
    const path = `/poll?${poller.query}&cursor=${poller.cursor}`
    const mallory = bearer(await signed({ sub: 'mallory' }))
    const message = { type: 'chat.message', room: 'open', payload: hi }
    const session = { 'rotunda-session': poller.welcome.credential }
    assert.equal(await errorCode(await ask(path)), '401 unauthenticated')
    assert.equal(await errorCode(await ask(path, { headers: mallory })), '403 forbidden')
    assert.equal(await errorCode(await ask(path, { method: 'DELETE', headers: mallory })), '403 forbidden')
    assert.equal(await errorCode(await ask('/send', sending(message, { ...session, ...mallory }))), '403 forbidden')
    const response = await ask(path, { headers: bearer(await signed()) })
    await response.body?.cancel()
    assert.equal(response.status, 200)
  })
}

function httpExpiry(test: RowTest, host: HostName): void {
  test(
    'X7 a session over HTTP lives as long as the newest token that a request of it had',
    () =>
      withServer({ host, auth }, async ({ url }) => {
        const ask = askServer(url)
        const short = await signed({ exp: inSeconds(5) })
        const [renewed, late] = [
          await Poller.open(ask, '', bearer(short)),
          await EventReader.open(ask, '', bearer(short)),
        ]
        const token = bearer(await signed({ exp: inSeconds(600) }))
        const poll = () => ask(`/poll?${renewed.query}&cursor=${renewed.cursor}`, { headers: token })
        await (await poll()).body?.cancel()
        await late.next({ type: 'session.closed' })
        assert.deepEqual(late.envelopes.at(-1)?.payload, { code: 4401, reason: 'The token has expired.' })
        const response = await poll()
        await response.body?.cancel()
        assert.equal(response.status, 200)
      }),
    { waits: true },
  )
}

function keysElsewhere(test: RowTest, host: HostName): void {
  test(
    'X7 while keys cannot be read handshakes are refused with 503; new keys are found; known ones go on',
    async () => {
      const issuer = await Issuer.start()
      const first = await issuer.sign()
      await issuer.stop()
      try {
        await withServer({ host, auth: { jwks: issuer.url } }, async (server) => {
          const status = async (token: string) => {
            const { status, code } = await knock(server, { Authorization: `Bearer ${token}` })
            return `${status} ${code}`
          }
          assert.equal(await status(first), '503 overloaded')
          await issuer.listen()
          // A failed look is not repeated at once.
          while (await status(first) !== '101 undefined') await new Promise((resolve) => setTimeout(resolve, 200))
          await issuer.rotate('k2')
          const second = await issuer.sign()
          assert.equal(await status(second), '101 undefined')
          assert.equal(await status(first), '401 unauthenticated')
          await issuer.stop()
          assert.equal(await status(second), '101 undefined')
          assertUntold(server, first, second)
        })
      } finally {
        await issuer.stop()
      }
    },
    { waits: true },
  )
}
