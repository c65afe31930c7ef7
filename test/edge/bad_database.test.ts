import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, before, describe, test } from 'node:test'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { libsqlStore as webStore } from '../../adapters/libsql/web.ts'
import type { RotundaError } from '../../src/protocol/mod.ts'
import { message } from '../conformance/store_messages.ts'
import { failToStart } from '../support/app_server.ts'
import { failToStartEdge } from '../support/edge_server.ts'
import { freePort } from '../support/free_port.ts'
import { type Sqld, startSqld } from '../support/sqld.ts'

const base64 = (data: string | ArrayBuffer) => Buffer.from(data as string).toString('base64url')

/** A key pair, and tokens signed with it, as Turso makes them. */
async function tokens(): Promise<{ publicKey: string; token: (expires: number) => Promise<string> }> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']) as CryptoKeyPair
  return {
    publicKey: base64(await crypto.subtle.exportKey('raw', pair.publicKey)),
    token: async (expires) => {
      const body = `${base64('{"alg":"EdDSA","typ":"JWT"}')}.${base64(JSON.stringify({ a: 'rw', exp: expires }))}`
      const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(body))
      return `${body}.${base64(signature)}`
    },
  }
}

const refused = (code: string, ...patterns: RegExp[]) => (error: RotundaError) => {
  assert.equal(error.code, code)
  for (const pattern of patterns) assert.match(error.message, pattern)
  return true
}

const BOTH = [libsqlStore, webStore]

describe('a database that asks for a token', () => {
  let sqld: Sqld
  let good: string
  let expired: string
  let foreign: string

  before(async () => {
    const now = Math.floor(Date.now() / 1000)
    const [own, others] = await Promise.all([tokens(), tokens()])
    sqld = await startSqld({ jwtKey: own.publicKey })
    ;[good, expired, foreign] = await Promise.all([own.token(now + 600), own.token(now - 600), others.token(now + 600)])
  })

  after(() => sqld.stop())

  test('L2 takes the right one', async () => {
    for (const open of BOTH) {
      for (const scheme of ['http', 'ws']) {
        const store = await open({ url: `${scheme}://${sqld.host}`, authToken: good })
        assert.equal((await store.append([message('a')])).length, 1)
        await store.close()
      }
    }
  })

  test('X6 refuses to start with none, a stranger’s or an old one, naming authToken and what to do, never the token', async () => {
    for (const open of BOTH) {
      for (const scheme of ['http', 'ws']) {
        const url = `${scheme}://${sqld.host}`
        const what = [/database "(?:http|ws):\/\/127/, /turso db tokens create/]
        await assert.rejects(open({ url }), refused('invalid_config', /authToken is missing/, ...what))
        for (const authToken of [expired, foreign, 'nonsense']) {
          const opening = open({ url, authToken })
          await assert.rejects(opening, refused('invalid_config', /authToken is \(hidden\)/, ...what))
          await assert.rejects(opening, (error: RotundaError) => !error.message.includes(authToken))
        }
      }
    }
  })

  test('L2 tells of a token that the database takes no more, and goes on when it does again', async () => {
    const other = await tokens()
    const store = await webStore({ url: `http://${sqld.host}`, authToken: good })
    await store.append([message('b')])
    await sqld.kill()
    await sqld.start({ jwtKey: other.publicKey })
    const told = refused('store_unavailable', /Appending to .* does not take authToken any more/)
    await assert.rejects(store.append([message('b')]), told)
    await sqld.kill()
    await sqld.start()
    assert.equal((await store.append([message('b')]))[0]?.seq, 2)
    await store.close()
  })

  test('X6 the servers end with that error and do not show the token', async () => {
    const url = `http://${sqld.host}`
    const edge = await failToStartEdge({ TURSO_DATABASE_URL: url, TURSO_AUTH_TOKEN: foreign })
    const app = await failToStart({ DATABASE_URL: url, DATABASE_AUTH_TOKEN: foreign, PORT: '0' }, '/tmp')
    for (const { code, stderr } of [edge, app]) {
      assert.equal(code, 1)
      assert.match(stderr, /authToken is \(hidden\), and the database "http:.*401/)
      assert.ok(!stderr.includes(foreign))
    }
    assert.equal(app.stderr.trim().split('\n').length, 1)
  })
})

test('H4 rotunda/libsql/web refuses what it cannot open, and says which entry can', async () => {
  const file = webStore({ url: 'file:data/rotunda.db' })
  await assert.rejects(file, refused('invalid_config', /url is "file:data\/rotunda.db"/, /rotunda\/libsql does/))
  const scheme = webStore({ url: 'postgres://user:secret@host/db' })
  await assert.rejects(scheme, refused('invalid_config', /url is "postgres:\/\/host\/db"; it must be a libsql:\/\//))
})

test('X6 a database that is not there ends the start at once with one error that names the setting', async () => {
  const nobody = `127.0.0.1:${await freePort()}`
  for (const open of BOTH) {
    for (const scheme of ['http', 'ws']) {
      const opening = open({ url: `${scheme}://user:secret@${nobody}` })
      await assert.rejects(opening, refused('store_unavailable', /url is "(?:http|ws):\/\/127/, /tried once/))
    }
  }
  const started = performance.now()
  const edge = await failToStartEdge({ TURSO_DATABASE_URL: `http://${nobody}` })
  const app = await failToStart({ DATABASE_URL: `http://${nobody}`, PORT: '0' }, '/tmp')
  for (const { code, stderr } of [edge, app]) {
    assert.equal(code, 1)
    assert.match(stderr, /url is "http:.*, which cannot be used: .*Check its host, port and path/)
  }
  assert.match(app.stderr, /^rotunda: DATABASE_URL: /)
  assert.ok(performance.now() - started < 10_000)
})

test('X6 the example says which variable is missing', async () => {
  const { code, stderr } = await failToStartEdge({})
  assert.equal(code, 1)
  assert.match(stderr, /Set TURSO_DATABASE_URL/)
})
