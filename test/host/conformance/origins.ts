import assert from 'node:assert/strict'
import { handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { row, served } from './rows.ts'

interface Answer {
  readonly status: number
  readonly headers: Map<string, string>
  readonly code: string | undefined
}

/** What a request is answered with, as a browser would send it for a page of that origin. */
async function answerTo(server: SpawnedServer, request: string): Promise<Answer> {
  const raw = await RawSocket.open(server.port)
  raw.write(request)
  const { status, headers, body } = await raw.response()
  raw.destroy()
  const code = body.startsWith('{') ? (JSON.parse(body) as { payload?: { code: string } }).payload?.code : undefined
  return { status, headers, code }
}

const plain = (method: string, path: string, origin: string, host = '127.0.0.1') => {
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nContent-Length: 0\r\n\r\n`
}

/** Which pages may connect. */
export function origins(host: HostName): void {
  row(host, 'origins', (test) => {
    describeDefault(test, served({ host, raw: {} }))
    const listed = served({ host, raw: {}, origins: ['https://app.example', 'https://*.app.example'], trustProxy: 1 })

    test('X5 those on a list may connect, also by a pattern, and nobody else', async () => {
      for (const path of ['/ws', '/raw']) {
        for (const origin of ['https://app.example', 'https://eu.app.example']) {
          assert.equal((await answerTo(listed(), handshake({ Origin: origin }, { path }))).status, 101, origin)
        }
        for (const origin of ['http://127.0.0.1', 'https://evil.example', 'https://a.b.app.example', 'null']) {
          const { status, code } = await answerTo(listed(), handshake({ Origin: origin }, { path }))
          assert.deepEqual([status, code], [403, 'forbidden'], origin)
        }
      }
    })

    test('X5 those on a list may read what SSE and long polling answer them, with their cookies', async () => {
      const origin = 'https://app.example'
      const { status, headers } = await answerTo(listed(), plain('GET', '/poll?room=a', origin))
      assert.equal(status, 200)
      assert.equal(headers.get('access-control-allow-origin'), origin)
      assert.equal(headers.get('access-control-allow-credentials'), 'true')
      const preflight = await answerTo(listed(), plain('OPTIONS', '/send', origin))
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, origin])
    })
  })
}

function describeDefault(
  test: (name: string, run: () => Promise<void>) => void,
  server: () => SpawnedServer,
): void {
  for (const path of ['/ws', '/raw']) {
    test(`X5 a handshake of the server’s own page is accepted, and one without an origin: ${path}`, async () => {
      for (const headers of [{ Origin: 'http://127.0.0.1' }, { Origin: 'https://127.0.0.1' }, {}]) {
        assert.equal((await answerTo(server(), handshake(headers, { path }))).status, 101)
      }
    })

    test(`X5 a handshake of another page is refused with 403 before the upgrade: ${path}`, async () => {
      for (const origin of ['https://evil.example', 'http://127.0.0.1.evil.example', 'http://127.0.0.1:81', 'null']) {
        const { status, code } = await answerTo(server(), handshake({ Origin: origin }, { path }))
        assert.deepEqual([status, code], [403, 'forbidden'], origin)
      }
    })
  }

  for (const [method, path] of [['GET', '/sse?room=a'], ['POST', '/poll?room=a'], ['GET', '/poll?room=a']] as const) {
    test(`X5 so is another page’s ${method} ${path}`, async () => {
      const { status, code } = await answerTo(server(), plain(method, path, 'https://evil.example'))
      assert.deepEqual([status, code], [403, 'forbidden'])
    })
  }

  test('X5 so is what another page sends', async () => {
    const body = JSON.stringify({ type: 'chat.message', room: 'a', ref: '1', payload: { user: 'evil', text: 'x' } })
    for (const origin of ['https://evil.example', server().url]) {
      const headers = { 'content-type': 'application/json', origin }
      const response = await fetch(`${server().url}/send`, { method: 'POST', headers, body })
      await response.body?.cancel()
      assert.equal(response.status, origin === server().url ? 200 : 403)
    }
  })
}
