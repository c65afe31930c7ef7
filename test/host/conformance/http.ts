import assert from 'node:assert/strict'
import { RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

const BAD_REQUESTS: [path: string, status: number, code: string, says: RegExp][] = [
  ['/rooms/a/history?limit=-1', 400, 'invalid_limit', /payload\.limit is "-1"/],
  ['/rooms/a/history?limit=201', 400, 'invalid_limit', /0 to 200/],
  ['/rooms/a/history?limit=99999999999999999999', 400, 'invalid_limit', /0 to 200/],
  ['/rooms/a/history?limit=1e1', 400, 'invalid_limit', /"1e1"/],
  ['/rooms/a/history?limit=', 400, 'invalid_limit', /is ""/],
  ['/rooms/a/history?limit=%00', 400, 'invalid_limit', /whole number/],
  ['/rooms/a/history?before=5', 400, 'invalid_cursor', /20 digits/],
  ['/rooms/a/history?before=__proto__', 400, 'invalid_cursor', /20 digits/],
  ['/rooms/a/history?after=-1', 400, 'invalid_cursor', /from 0/],
  ['/rooms/a/history?after=x', 400, 'invalid_cursor', /"x"/],
  ['/rooms/a/history?after=1&before=00000000000000000001', 400, 'invalid_cursor', /exclude/],
  ['/rooms/%zz/history', 400, 'invalid_room', /not URL-encoded/],
  ['/rooms/%ff/history', 400, 'invalid_room', /not URL-encoded/],
  ['/rooms/%ed%a0%80/history', 400, 'invalid_room', /not URL-encoded/],
  ['/rooms//history', 400, 'invalid_room', /must not be empty/],
  [`/rooms/${'x'.repeat(129)}/history`, 400, 'invalid_room', /longer than 128/],
  ['/rooms/a%00/history', 400, 'invalid_room', /control characters/],
]

/** What is asked for without a WebSocket. */
export function httpEndpoints(host: HostName): void {
  row(host, 'http', (test) => {
    const server = served({ host, seed: { room: 'a b/ü', messages: 3, trimmed: 0 } })

    for (const [path, status, code, says] of BAD_REQUESTS) {
      test(`${path.slice(0, 60)}: ${code}`, async () => {
        // Not by `fetch`, which would put some of these paths right.
        const raw = await RawSocket.open(server().port)
        raw.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
        const response = await raw.response()
        raw.destroy()
        assert.equal(response.status, status)
        const { type, payload } = JSON.parse(response.body) as {
          type: string
          payload: { code: string; message: string }
        }
        assert.deepEqual([type, payload.code], ['error', code])
        assert.match(payload.message, says)
      })
    }

    test('reads a room whose name is encoded, and ignores parameters it does not know', async () => {
      const response = await fetch(`${server().url}/rooms/a%20b%2F%C3%BC/history?limit=2&color=red`)
      assert.equal(response.status, 200)
      const { messages, head } = await response.json() as { messages: { seq: number }[]; head: number }
      assert.deepEqual([messages.map(({ seq }) => seq), head], [[3, 2], 3])
    })

    test('is read with GET only', async () => {
      const response = await fetch(`${server().url}/rooms/a/history`, { method: 'DELETE' })
      assert.equal(response.status, 405)
      await response.body?.cancel()
    })

    test('health says ok, and how many sessions there are', async () => {
      const health = async () => {
        const response = await fetch(`${server().url}/health`)
        assert.equal(response.status, 200)
        assert.equal(response.headers.get('cache-control'), 'no-store')
        return await response.json() as { status: string; sessions: number; epoch: string }
      }
      const client = await WireClient.open(server().port)
      const { payload } = await client.next({ type: 'session.welcome' })
      const { status, sessions, epoch } = await health()
      assert.deepEqual([status, sessions, epoch], ['ok', 1, (payload as { epoch: string }).epoch])
      await client.close()
      while ((await health()).sessions > 0);
    })

    test('what is not rotunda’s is answered by the application', async () => {
      const response = await fetch(`${server().url}/elsewhere`)
      assert.deepEqual([response.status, await response.text()], [404, 'not here'])
    })
  })
}
