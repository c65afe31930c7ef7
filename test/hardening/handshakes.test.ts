import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { HostName } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'
import { attack, Line, RUNTIMES } from './attacked.ts'

const HALF = 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nX-Slow: '
const BODY = 'POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n'

/** One byte every so often; gives what ends it. */
function drip(lines: readonly Line[]): () => void {
  const timer = setInterval(() => lines.forEach((line) => void line.write('x')), 500)
  return () => clearInterval(timer)
}

/** How long each took to be ended, or answered, by a server that waited for more of it; undefined where it waits still. */
interface Endings {
  readonly handshakes: readonly number[] | undefined
  readonly bodies: readonly string[]
}

/** Everything that only time ends, on one server at once. */
async function neverEnding(host: HostName): Promise<Endings> {
  let handshakes: readonly number[] | undefined
  let bodies: readonly string[] = []
  // Other servers are attacked at the same time.
  await attack({ host }, { memory: 100, delay: 3_000 }, async ({ server }) => {
    const lines = [...await Line.many(server.port, 500), ...await Line.many(server.port, 500)]
    const slow = lines.slice(500)
    for (const line of slow) await line.write(HALF)
    const half = await Line.many(server.port, 50)
    for (const line of half) await line.write(BODY)
    const stop = drip([...slow, ...half])
    const client = await WireClient.open(server.port)
    await client.ping()
    await client.close()
    await answered(half)
    bodies = half.map(({ received }) => received)
    const ended = Promise.all(lines.map(({ ended }) => ended))
    handshakes = host === 'bun' ? await ended : undefined
    assert.ok(host === 'bun' || lines.every(({ isOpen }) => isOpen), 'Deno waits: docs/security.md says so')
    stop()
    assert.equal(await server.sessions(), 1)
    for (const line of [...lines, ...half]) line.destroy()
  })
  return { handshakes, bodies }
}

/** Resolves when every connection has got an answer, or was ended. */
async function answered(lines: readonly Line[]): Promise<void> {
  await Promise.all(lines.map(async (line) => {
    if (line.received !== '') return
    await Promise.race([line.ended, new Promise((resolve) => line.socket.once('data', resolve))])
  }))
}

describe('handshakes', { timeout: 90_000 }, () => {
  const endings = new Map<HostName, Promise<Endings>>()

  // These servers wait side by side, and while the other attacks are made.
  before(() => {
    for (const host of RUNTIMES) {
      const ending = neverEnding(host)
      ending.catch(() => {})
      endings.set(host, ending)
    }
  })

  for (const host of RUNTIMES) {
    test(`${host}: giant and endless headers are refused, and not kept`, async () => {
      await attack({ host }, { memory: 64 }, async ({ server }) => {
        for (const size of [300_000, 4_000_000]) {
          const line = await Line.open(server.port)
          await line.write(`GET /health HTTP/1.1\r\nHost: x\r\nX-Giant: ${'a'.repeat(size)}\r\n\r\n`)
          await line.ended
          assert.match(line.received, /^(?:HTTP\/1\.1 4(?:31|00) |$)/)
        }
        const endless = await Line.open(server.port)
        let sent = 0
        await endless.write('GET /health HTTP/1.1\r\nHost: x\r\n')
        while (endless.isOpen && sent < 100_000_000) {
          await endless.write(`X-More: ${'a'.repeat(30_000)}\r\n`)
          sent += 30_000
        }
        await endless.ended
        assert.ok(sent < 20_000_000, `${sent} bytes of headers were taken`)
      })
    })

    test(`${host}: 2,000 connections that never speak cost next to nothing`, async () => {
      await attack({ host }, { memory: 100 }, async ({ server }) => {
        const silent = await Line.many(server.port, 2_000)
        const client = await WireClient.open(server.port)
        await client.ping()
        await client.close()
        for (const line of silent) line.destroy()
      })
    })

    test(`${host}: requests by the thousand whose answers nobody reads are not kept`, async () => {
      await attack({ host }, { memory: 100 }, async ({ server, witness }) => {
        const line = await Line.open(server.port)
        line.socket.pause()
        const requests = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000)
        // Not awaited: the server stops reading, as it should.
        for (let i = 0; i < 50; i++) void line.write(requests)
        for (let i = 0; i < 20; i++) await witness.ping()
        line.destroy()
      })
    })
  }

  for (const host of RUNTIMES) {
    test(`${host}: handshakes that never end, byte by byte, keep nobody from being served`, async () => {
      const { handshakes } = await endings.get(host)!
      if (handshakes === undefined) return
      assert.ok(Math.max(...handshakes) < 30_000, 'Bun ends them within seconds, however busily they drip')
    })

    test(`${host}: a body that never ends is given up`, async () => {
      const { bodies } = await endings.get(host)!
      assert.equal(bodies.length, 50)
      for (const body of bodies) assert.match(body, /^(?:HTTP\/1\.1 408 |$)/)
    })
  }
})
