import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireClient } from '../support/wire_client.ts'
import { attack, Line, RUNTIMES } from './attacked.ts'

const HALF = 'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nX-Slow: '
const BODY = 'POST /send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n'

/** One byte every so often; gives what ends it. */
function drip(lines: readonly Line[]): () => void {
  const timer = setInterval(() => lines.forEach((line) => void line.write('x')), 500)
  return () => clearInterval(timer)
}

for (const host of RUNTIMES) {
  test(
    `${host}: handshakes that never end, byte by byte, keep nobody from being served`,
    { timeout: 90_000 },
    async () => {
      await attack({ host }, { memory: 64 }, async ({ server }) => {
        const silent = await Line.many(server.port, 500)
        const slow = await Line.many(server.port, 500)
        for (const line of slow) await line.write(HALF)
        const stop = drip(slow)
        const client = await WireClient.open(server.port)
        await client.ping()
        await client.close()
        if (host === 'bun') {
          const times = await Promise.all([...silent, ...slow].map(({ ended }) => ended))
          assert.ok(Math.max(...times) < 30_000, 'Bun ends them within seconds, however busily they drip')
        } else assert.ok([...silent, ...slow].every(({ isOpen }) => isOpen), 'Deno waits: docs/security.md says so')
        stop()
        assert.equal(await server.sessions(), 1)
        for (const line of [...silent, ...slow]) line.destroy()
      })
    },
  )

  test(`${host}: a body that never ends is given up`, { timeout: 90_000 }, async () => {
    await attack({ host }, { memory: 64 }, async ({ server }) => {
      const lines = await Line.many(server.port, 50)
      for (const line of lines) await line.write(BODY)
      const stop = drip(lines)
      await Promise.race([Promise.all(lines.map(({ ended }) => ended)), answered(lines)])
      stop()
      for (const line of lines) line.destroy()
    })
  })

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

/** Resolves when every connection has got an answer. */
async function answered(lines: readonly Line[]): Promise<void> {
  await Promise.all(lines.map(async (line) => {
    if (line.received === '') await new Promise((resolve) => line.socket.once('data', resolve))
  }))
}
