import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, realpath, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { createClient } from '../../src/client/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { type AppServer, failToStart, startApp } from '../support/app_server.ts'
import { freePort } from '../support/free_port.ts'
import { tempDir } from '../support/temp_dir.ts'
import { WireClient } from '../support/wire_client.ts'

/** Listens on a port of all addresses; rejects when it is in use. */
function occupy(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, () => resolve(server))
  })
}

function release(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => server === undefined ? resolve() : server.close(() => resolve()))
}

describe('server.ts', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let cwd: string

  before(async () => {
    dir = await tempDir()
    cwd = await realpath(dir.path)
  })
  after(() => dir.remove())

  describe('started with nothing but a port', () => {
    let app: AppServer
    let port: number
    let metricsPort: number
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers })

    before(async () => {
      port = await freePort()
      metricsPort = await freePort()
      app = await startApp({ SERVER_PORT: String(port), METRICS_PORT: String(metricsPort) }, cwd)
    })
    after(async () => {
      await app.end('SIGKILL')
    })

    test('says where it listens, where the data lies and how to stop', () => {
      const lines = app.greeting.split('\n').map((line) => line.trim()).filter((line) => line !== '')
      deepEqual(lines, [
        'rotunda listens',
        `page       http://localhost:${port}/`,
        `websocket  ws://localhost:${port}/ws`,
        `metrics    http://127.0.0.1:${metricsPort}/metrics`,
        'inspector  off (set INSPECTOR_PASSWORD)',
        `data       ${join(cwd, 'data', 'rotunda.db')}`,
        'stop       Ctrl+C',
      ])
    })

    test('serves the page and what it is made of', async () => {
      for (
        const [path, type, part] of [
          ['/', 'text/html', '<title>rotunda chat</title>'],
          ['/?room=africa', 'text/html', '<title>rotunda chat</title>'],
          ['/chat.js', 'text/javascript', 'chat.message'],
          ['/chat.css', 'text/css', 'color-scheme'],
        ] as const
      ) {
        const response = await get(path)
        equal(response.status, 200, path)
        equal(response.headers.get('content-type'), `${type}; charset=utf-8`)
        ok((await response.text()).includes(part), `${path} has no ${part}`)
        const again = await get(path, { 'if-none-match': response.headers.get('etag') ?? '' })
        equal(again.status, 304, path)
        equal(await again.text(), '')
      }
      const missing = await get('/nothing-here')
      equal(missing.status, 404)
      match(await missing.text(), /nothing at \/nothing-here/)
    })

    test('answers for its health', async () => {
      const response = await get('/health')
      equal(response.status, 200)
      equal((await response.json()).status, 'ok')
    })

    test('answers how many are in a room', async () => {
      const client = await WireClient.open(port)
      client.send({ type: 'room.join', room: 'counted', ref: '1' })
      await client.next({ type: 'room.joined', ref: '1' })
      client.send({ type: 'chat.stats', room: 'counted', ref: '2', payload: {} })
      deepEqual((await client.next({ ref: '2' })).payload, { members: 1 })
      await client.close()
    })

    test('keeps messages where sqlite3 and HTTP show them', async () => {
      const client = createClient({ url: `ws://127.0.0.1:${port}/ws`, protocol: chat })
      const { id, seq } = await client.join('africa').publish('chat.message', { user: 'Gaspard', text: 'Hello!' })
      client.close()

      const { messages } = await (await get('/rooms/africa/history')).json()
      deepEqual([messages.length, messages[0].id, messages[0].payload.text], [1, id, 'Hello!'])
      const shown = execFileSync('sqlite3', [
        join(cwd, 'data', 'rotunda.db'),
        'SELECT id, room, type, substr(payload_json,1,80) FROM ws_messages LIMIT 5',
      ], { encoding: 'utf8' })
      equal(seq, 1)
      equal(shown, `${Number(id)}|africa|chat.message|{"user":"Gaspard","text":"Hello!"}\n`)
    })
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends sessions with 1001, frees the port and exits with 0`, async () => {
      const app = await startApp({ SERVER_PORT: '0', DATABASE_URL: `file:${cwd}/${signal}.db` }, cwd)
      const client = await WireClient.open(app.port)
      await client.next({ type: 'session.welcome' })
      const ended = app.end(signal)
      equal((await client.closed).code, 1001)
      const { code, stderr } = await ended
      deepEqual([code, stderr], [0, ''])
      await release(await occupy(app.port))
    })
  }

  for (
    const [name, value] of [
      ['SERVER_PORT', 'eighty'],
      ['SERVER_PORT', '65536'],
      ['SERVER_PORT', '-1'],
      ['PORT', '80.5'],
      ['PORT', '0x50'],
    ] as const
  ) {
    test(`${name}=${value} is refused by name`, async () => {
      const { code, stdout, stderr } = await failToStart({ [name]: value }, cwd)
      equal(
        stderr,
        `rotunda: ${name} is "${value}"; it must be a whole number from 0 to 65535 (0 takes any free port).\n`,
      )
      deepEqual([code, stdout], [1, ''])
    })
  }

  test('SERVER_PORT goes before PORT', async () => {
    const port = await freePort()
    const app = await startApp({ SERVER_PORT: String(port), PORT: '1' }, cwd)
    equal(app.port, port)
    equal((await app.end('SIGTERM')).code, 0)
  })

  test('a port that was asked for and is in use stops the start', async () => {
    const holder = await occupy(0)
    const address = holder.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const { code, stdout, stderr } = await failToStart({ PORT: String(port) }, cwd)
    await release(holder)
    match(stderr, new RegExp(`^rotunda: Port ${port} cannot be used: .*in use.*\\n$`))
    deepEqual([code, stdout], [1, ''])
  })

  test('without a port it takes another one when 8080 is in use, and says so', async () => {
    const holder = await occupy(8080).catch(() => undefined)
    const app = await startApp({}, cwd)
    await release(holder)
    ok(app.port !== 8080)
    match(app.greeting, /^ +page +http:\/\/localhost:\d+\/ +\(8080 is in use\)$/m)
    equal((await app.end('SIGTERM')).code, 0)
  })

  test('a database that cannot be opened stops the start with one line', async () => {
    await mkdir(join(cwd, 'folder'))
    await writeFile(join(cwd, 'letter.db'), 'This is not a database, but a letter. '.repeat(100))
    for (
      const [url, reason] of [
        [`file:${cwd}/folder`, /folder/],
        [`file:${cwd}/letter.db`, /letter\.db.*not a database/],
        [`file:${cwd}/letter.db/rotunda.db`, /letter\.db\/rotunda\.db/],
        ['nonsense', /^rotunda: DATABASE_URL: .*"nonsense"; it must be a file:<path>/],
      ] as const
    ) {
      const { code, stdout, stderr } = await failToStart({ SERVER_PORT: '0', DATABASE_URL: url }, cwd)
      match(stderr, reason)
      match(stderr, /^rotunda: DATABASE_URL: [^\n]+\n$/, 'not one line')
      deepEqual([code, stdout], [1, ''])
    }
  })
})
