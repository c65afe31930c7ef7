import assert from 'node:assert/strict'
import { realpath } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, test } from 'node:test'
import { type AppServer, failToStart, startApp } from '../support/app_server.ts'
import { Exposition, scrape } from '../support/exposition.ts'
import { freePort } from '../support/free_port.ts'
import { promtool } from '../support/promtool.ts'
import { tempDir } from '../support/temp_dir.ts'
import { WireClient } from '../support/wire_client.ts'

/** What the greeting says of the metrics. */
function said({ greeting }: AppServer): string | undefined {
  return /^ +metrics +(.*)$/m.exec(greeting)?.[1]
}

describe('metrics of server.ts (M1)', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>
  let cwd: string

  before(async () => {
    dir = await tempDir()
    cwd = await realpath(dir.path)
  })
  after(() => dir.remove())

  test('they have a port of their own on this machine alone, and nothing else is there', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()]
    const app = await startApp({ SERVER_PORT: `${port}`, METRICS_PORT: `${metricsPort}` }, cwd)
    const url = `http://127.0.0.1:${metricsPort}`
    assert.equal(said(app), `${url}/metrics`)
    const client = await WireClient.open(port)
    client.send({ type: 'chat.message', room: 'r', ref: '1', payload: { user: 'u', text: 't' } })
    await client.next({ type: 'ack', ref: '1' })
    const scraped = await scrape(url)
    assert.deepEqual([scraped.value('rotunda_sessions'), scraped.value('rotunda_stored_messages_total')], [1, 1])
    assert.equal(await promtool(['check', 'metrics'], await (await fetch(`${url}/metrics`)).text()), '')
    assert.equal((await fetch(`${url}/health`)).status, 404)
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 404)
    const elsewhere = Object.values(networkInterfaces()).flat().find((one) => one?.family === 'IPv4' && !one.internal)
    if (elsewhere !== undefined) await assert.rejects(fetch(`http://${elsewhere.address}:${metricsPort}/metrics`))
    await client.close()
    assert.equal((await app.end('SIGTERM')).code, 0)
  })

  test('a scraper that keeps its connection open does not keep the server from stopping', async () => {
    const app = await startApp({ SERVER_PORT: '0', METRICS_PORT: '0' }, cwd)
    const url = said(app)!
    for (let i = 0; i < 3; i++) await (await fetch(url, { keepalive: true })).text()
    const { code, stderr } = await app.end('SIGTERM')
    assert.deepEqual([code, stderr], [0, ''])
  })

  test('METRICS_PORT that is the port of the page puts them there', async () => {
    const port = await freePort()
    const app = await startApp({ SERVER_PORT: `${port}`, METRICS_PORT: `${port}` }, cwd)
    assert.equal(said(app), `http://localhost:${port}/metrics`)
    const url = `http://127.0.0.1:${port}`
    assert.equal((await scrape(url)).value('rotunda_sessions'), 0)
    for (const path of ['/', '/health', '/chat.js']) assert.equal((await fetch(url + path)).status, 200, path)
    await app.end('SIGKILL')
  })

  test('METRICS_TOKEN must be shown', async () => {
    const app = await startApp({ SERVER_PORT: '0', METRICS_PORT: '0', METRICS_TOKEN: 's3cret' }, cwd)
    const url = said(app)!
    assert.equal((await fetch(url)).status, 401)
    const response = await fetch(url, { headers: { authorization: 'Bearer s3cret' } })
    assert.equal(new Exposition(await response.text()).value('rotunda_sessions'), 0)
    assert.ok(!app.greeting.includes('s3cret'))
    await app.end('SIGKILL')
  })

  test('METRICS_ENABLED=false turns them off', async () => {
    const metricsPort = await freePort()
    const app = await startApp({ SERVER_PORT: '0', METRICS_PORT: `${metricsPort}`, METRICS_ENABLED: 'false' }, cwd)
    assert.equal(said(app), 'off')
    await assert.rejects(fetch(`http://127.0.0.1:${metricsPort}/metrics`))
    await app.end('SIGKILL')
  })

  test('without a port they take another one when 9100 is in use, and say so; the page is never their place then', async () => {
    const holder = await hold(9_100)
    const app = await startApp({ SERVER_PORT: '0' }, cwd)
    await release(holder)
    const [, url, note] = /^(http:\/\/127\.0\.0\.1:\d+)\/metrics( {2}\(9100 is in use\))?$/.exec(said(app)!) ?? []
    // Whoever else had it may have gone in the meantime.
    assert.ok(note !== undefined || holder === undefined, app.greeting)
    assert.equal((await scrape(url!)).value('rotunda_sessions'), 0)
    await app.end('SIGKILL')
  })

  test('a port that was asked for and is in use, and one that is none, stop the start', async () => {
    const port = await freePort()
    const holder = await hold(port)
    const taken = await failToStart({ SERVER_PORT: '0', METRICS_PORT: `${port}` }, cwd)
    await release(holder)
    assert.match(taken.stderr, new RegExp(`^rotunda: Port ${port} cannot be used: .*in use.*\\n$`))
    const none = await failToStart({ SERVER_PORT: '0', METRICS_PORT: 'eighty' }, cwd)
    assert.match(none.stderr, /^rotunda: METRICS_PORT is "eighty"; it must be a whole number from 0 to 65535\.\n$/)
    const blank = await failToStart({ SERVER_PORT: '0', METRICS_TOKEN: 'two words' }, cwd)
    assert.match(blank.stderr, /^rotunda: token must be of printable ASCII characters, without spaces\.\n$/)
    assert.deepEqual([taken.code, none.code, blank.code], [1, 1, 1])
  })
})

/** Listens on a port of this machine; nothing to be released when somebody does already. */
function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function release(server: Server | undefined): Promise<void> {
  return new Promise((resolve) => server === undefined ? resolve() : server.close(() => resolve()))
}
