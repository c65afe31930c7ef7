import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { askServer, errorCode } from '../support/http_client.ts'
import { HOSTS, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { range } from '../support/test_hub.ts'
import { WireClient } from '../support/wire_client.ts'
import { basic, closing, look, lookUntil, PASSWORD, written } from './ask.ts'

const SLOW = { timeout: 60_000 }
const PATHS = ['', '/', '/page.js', '/page.css', '/api/view', '/api/close', '/nothing', '/api/../api/view', '/%2e']

for (const host of HOSTS) {
  describe(`M5 the inspector on ${host}`, SLOW, () => {
    let server: SpawnedServer
    const ask = (path: string, init?: RequestInit) => askServer(server.url)(path, init)
    let strangers = 0
    /** Each time from somewhere else, by what the proxy says: few wrong passwords come from one address. */
    const from = (headers: Record<string, string> = {}, address = `192.0.2.${strangers++}`) => {
      return { ...headers, 'x-forwarded-for': address }
    }

    before(async () => {
      const inspector = { password: PASSWORD, payloads: true }
      server = await spawnServer({ host, node: 'the-node', inspector, trustProxy: 1 })
    })

    after(() => server.stop())

    test('tells whoever has not the password that, and nothing else, at every path and by every method', async () => {
      const shown = [undefined, basic('wrong horse battery'), basic(''), { authorization: 'Basic !' }, {
        authorization: `Bearer ${PASSWORD}`,
      }]
      const bodies = new Set<string>()
      for (const path of PATHS) {
        for (const headers of shown) {
          const response = await ask(`/inspector${path}`, { headers: from(headers), redirect: 'manual' })
          assert.equal(response.status, 401, path)
          assert.match(response.headers.get('www-authenticate')!, /^Basic realm="/)
          assert.equal(response.headers.get('cache-control'), 'no-store')
          bodies.add(await response.text())
        }
      }
      for (const method of ['POST', 'DELETE', 'OPTIONS']) {
        const response = await ask('/inspector/api/close?session=x', { method })
        assert.equal(response.status, 401, method)
        bodies.add(await response.text())
      }
      assert.equal(bodies.size, 1)
      assert.doesNotMatch([...bodies].join(), /the-node/)
    })

    test('refuses who shows wrong passwords, after ten of them, and nobody else', async () => {
      const guesser = '203.0.113.7'
      const guess = (password: string) => ask('/inspector/api/view', { headers: from(basic(password), guesser) })
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => guess(`guessed password ${i}`)))
      // All at once, so that no more are judged than one after the other.
      assert.equal(answers.filter(({ status }) => status === 401).length, 10)
      const refused = [...answers.filter(({ status }) => status !== 401), await guess(PASSWORD)]
      for (const response of refused) {
        assert.ok(Number(response.headers.get('retry-after')) > 50)
        assert.equal(await errorCode(response), '429 quota_exceeded')
      }
      assert.equal(refused.length, 31, 'the right one is not told from the wrong ones')
      assert.equal((await ask('/inspector', { headers: from({}, guesser) })).status, 401)
      assert.equal((await ask('/inspector', { headers: from(basic(PASSWORD)) })).status, 200)
      assert.equal((await ask('/inspector', { headers: basic(PASSWORD) })).status, 200)
      const all = await written(server, 'wrong passwords')
      const warnings = all.match(/.*wrong passwords.*/g)
      assert.deepEqual(warnings, ['rotunda: inspector: too many wrong passwords from 203.0.113.7.'])
      assert.ok(!all.includes('guessed password') && !all.includes(PASSWORD))
    })

    test('serves its page to who has it: nothing kept, nothing framed, nothing from elsewhere', async () => {
      const types = { '': 'text/html', '/page.js': 'text/javascript', '/page.css': 'text/css' }
      for (const [path, type] of Object.entries(types)) {
        const { status, headers } = await ask(`/inspector${path}`, { headers: basic(PASSWORD) })
        assert.equal(status, 200)
        assert.equal(headers.get('content-type'), `${type}; charset=utf-8`)
        assert.equal(headers.get('cache-control'), 'no-store')
        assert.equal(headers.get('x-content-type-options'), 'nosniff')
        const policy = headers.get('content-security-policy')!
        for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
          assert.ok(policy.split('; ').includes(part), part)
        }
      }
      const slash = await ask('/inspector/', { headers: basic(PASSWORD), redirect: 'manual' })
      assert.deepEqual([slash.status, slash.headers.get('location')], [308, '../inspector'])
      assert.equal((await ask('/inspector/nothing', { headers: basic(PASSWORD) })).status, 404)
      assert.equal((await ask('/inspector', { method: 'DELETE', headers: basic(PASSWORD) })).status, 405)
    })

    test('shows a session and its rooms as they are', async () => {
      const client = await WireClient.open(server.port)
      const id = await client.session()
      for (const room of ['one', 'two']) client.send({ type: 'room.join', room, ref: room })
      await client.next({ ref: 'two' })
      const { sessions, session, node } = await look(ask, { list: 'sessions', search: id, session: id })
      assert.equal(node, 'the-node')
      assert.equal(sessions!.total, 1)
      const [row] = sessions!.rows
      assert.deepEqual([row!.id, row!.rooms, row!.transport, row!.codec, row!.state], [
        id,
        2,
        'websocket',
        'json',
        'open',
      ])
      assert.deepEqual([row!.messagesIn, row!.framesIn], [2, 2])
      assert.equal(row!.address, '127.0.0.1')
      assert.deepEqual(session!.inRooms.map(({ room }) => room), ['one', 'two'])
      const { rooms } = await look(ask, { list: 'rooms', sort: 'name', search: 'one' })
      assert.deepEqual(rooms!.rows.map(({ name, members }) => [name, members]), [['one', 1]])
      await client.close()
    })

    test('closes a session with code and reason, and only when its own page asks', async () => {
      const client = await WireClient.open(server.port)
      const id = await client.session()
      const path = `/inspector/api/close?session=${id}&code=4321&reason=${encodeURIComponent('why not ✓')}`
      const refused: RequestInit[] = [
        closing({ origin: 'http://evil.example' }),
        closing({ origin: 'null' }),
        closing({ 'sec-fetch-site': 'cross-site' }),
        closing({ 'sec-fetch-site': 'same-site' }),
        closing({ 'sec-fetch-site': 'none' }),
        closing({ 'sec-fetch-site': 'cross-site', origin: server.url }),
        closing({ 'x-rotunda-inspector': '' }),
        { method: 'POST', headers: basic(PASSWORD) },
      ]
      for (const init of refused) assert.equal((await ask(path, init)).status, 403)
      assert.equal((await ask(path, { headers: { ...closing().headers as object } })).status, 405)
      assert.equal((await ask(`/inspector/api/close?session=${id}&code=1006`, closing())).status, 400)
      assert.equal((await ask(`/inspector/api/close?session=${id}&code=x`, closing())).status, 400)
      assert.equal((await ask('/inspector/api/close?session=nobody', closing())).status, 404)
      await client.ping()

      const own = { ...basic(PASSWORD, `ana "the\nadmin"`), origin: server.url }
      assert.equal((await ask(path, closing(own))).status, 200)
      assert.deepEqual(await client.closed, { code: 4321, reason: 'why not ✓' })

      const all = await written(server, id)
      const said = all.split('\n').filter((line) => line.includes(id))
      const who = String.raw`"ana \"the\nadmin\"" from 127.0.0.1`
      assert.deepEqual(said, [`rotunda: inspector: session ${id} closed with 4321 by ${who}.`])
      assert.ok(!all.includes(PASSWORD) && !all.includes('why not'))
    })
  })
}

test('M5 a room is followed: its last fifty, then every message, in order and once', SLOW, async () => {
  const server = await spawnServer({ inspector: { password: PASSWORD, payloads: true } })
  const ask = askServer(server.url)
  const client = await WireClient.open(server.port)
  const publish = async (first: number, last: number) => {
    for (const n of range(first, last)) {
      const payload = { user: 'u', text: `text ${n}` }
      client.send({ type: 'chat.message', room: 'followed', ref: `${n}`, payload })
    }
    await client.next({ type: 'ack', ref: `${last}` })
  }
  await publish(1, 120)
  const seqs: number[] = []
  const previews: string[] = []
  const query = () => ({ room: 'followed', after: seqs.at(-1) ?? 0 })
  const until = (last: number) =>
    lookUntil(ask, query, ({ followed }) => {
      seqs.push(...followed!.messages.map(({ seq }) => seq))
      previews.push(...followed!.messages.map(({ preview }) => preview!))
      return seqs.at(-1) === last
    })
  await until(120)
  for (const last of [121, 150]) {
    await publish(seqs.at(-1)! + 1, last)
    await until(last)
  }
  assert.deepEqual(seqs, range(71, 150))
  assert.deepEqual(previews, seqs.map((n) => JSON.stringify({ user: 'u', text: `text ${n}` })))
  await client.close()
  await server.stop()
})

test('M5 there is no inspector unless it is configured', SLOW, async () => {
  for (const host of ['bun', 'hono-deno'] as const) {
    const server = await spawnServer({ host })
    for (const path of PATHS) {
      const response = await fetch(`${server.url}/inspector${path}`, { headers: basic(PASSWORD) })
      assert.equal(response.status, 404)
      await response.body?.cancel()
    }
    await server.stop()
  }
})

test('M5 a server whose inspector nobody would protect does not start', SLOW, async () => {
  await assert.rejects(spawnServer({ inspector: { password: 'short' } }), /inspector/)
})
