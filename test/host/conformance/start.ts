import assert from 'node:assert/strict'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { handshake, RawSocket } from '../../support/raw_socket.ts'
import { onDeno, ownsServer, row, withServer } from './rows.ts'

/** What is wrong from the start is said at the start, with what to do instead. */
export function starts(host: HostName): void {
  row(host, 'start', (test) => {
    test('a limit that is not allowed: the process ends before it listens', async () => {
      const says =
        /ended with code 1 before it listened: [\s\S]*limits\.maxMessageSize is "1"; it must be a whole number from 256/
      await assert.rejects(spawnServer({ host, limits: { maxMessageSize: 1 } }), { message: says })
    })

    if (!ownsServer(host)) {
      for (const port of [65_536, '80' as unknown as number]) {
        test(`port ${JSON.stringify(port)}`, async () => {
          const message = /port is .*; it must be a whole number from 0 to 65535/
          await assert.rejects(spawnServer({ host, port }), { message })
        })
      }

      test('a port in use', () => {
        return withServer({ host }, async ({ port }) => {
          const says = new RegExp(`Port ${port} cannot be used: [\\s\\S]*Choose another port\\.`)
          await assert.rejects(spawnServer({ host, port }), { message: says })
        })
      })

      test('the adapter on the other runtime names the one to use', async () => {
        const [own, other] = onDeno(host) ? ['deno', 'bun'] as const : ['bun', 'deno'] as const
        const says = new RegExp(`rotunda/${own} runs on \\w+ only; on \\w+ use rotunda/${other} or rotunda/hono`)
        await assert.rejects(spawnServer({ host, runtime: other }), { message: says })
      })
    }

    if (host === 'hono-bun') {
      const mistakes = [
        ['no server', /The Hono app was called without the server; use `fetch: app\.fetch`/],
        ['no websocket', /websocket/],
      ] as const
      for (const [mistake, says] of mistakes) {
        test(`a Hono app served with ${mistake}: 500 to the client, and what to do to onError`, () => {
          return withServer({ host, mistake, events: true }, async (server) => {
            const raw = await RawSocket.open(server.port)
            raw.write(handshake())
            const { status, body } = await raw.response()
            assert.equal(status, 500)
            const { payload } = JSON.parse(body) as { payload: { code: string; message: string } }
            assert.equal(payload.code, 'internal')
            assert.match(payload.message, /not set up to upgrade/)
            const { message } = await server.event({ type: 'error' })
            assert.match(String(message), says)
            raw.destroy()
            assert.equal(await server.sessions(), 0)
          })
        })
      }
    }
  })
}
