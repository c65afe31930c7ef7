import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authenticate } from '../../src/client/mod.ts'
import { fallback, longPolling, sse, webSocket } from '../../src/client/transports/mod.ts'
import { startBadProxy } from '../support/bad_proxy.ts'
import { inSeconds, signed } from '../support/tokens.ts'
import { once, says, withClient } from '../support/with_client.ts'

const auth = { secret: signed.secret }
const rooms = { 'private-a': ['read', 'write'] }
const LIMIT = { timeout: 60_000 }

describe('X7 C4 tokens', () => {
  for (const transport of [sse, longPolling]) {
    test(
      `go along with each request over ${transport().name}, the newest one in place of the last`,
      LIMIT,
      () =>
        withClient({ auth }, async ({ connect }) => {
          const client = connect({ autoConnect: false, use: [fallback([transport()])] })
          const closed: number[] = []
          client.onClose(({ code }) => closed.push(code))
          let asked = 0
          await new Promise<void>((resolve) => {
            authenticate(client, () => {
              if (++asked === 6) resolve()
              return signed({ exp: inSeconds(3), rooms })
            })
          })
          await client.join('private-a').publish('chat.message', says('late'))
          assert.deepEqual(closed, [])
        }),
    )
  }

  test(
    'go along when the client moves back to the WebSocket',
    LIMIT,
    () =>
      withClient({ auth }, async ({ server, connect }) => {
        const proxy = await startBadProxy(server.port, { upgrades: 'refused' })
        try {
          const transports = fallback([webSocket(), sse()], { retry: 200 })
          const url = `http://127.0.0.1:${proxy.port}/ws`
          const client = connect({ url, autoConnect: false, use: [transports] })
          const room = client.join('private-a')
          authenticate(client, () => signed({ rooms }))
          await room.publish('chat.message', says('over SSE'))
          assert.equal(transports.current, 'sse')
          proxy.behave({})
          await once(transports.onChange.bind(transports), (name) => name === 'websocket')
          assert.equal((await room.publish('chat.message', says('over WebSocket'))).seq, 2)
        } finally {
          await proxy.stop()
        }
      }),
  )
})
