import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authenticate, type CloseInfo } from '../../src/client/mod.ts'
import type { RotundaError } from '../../src/mod.ts'
import { inSeconds, signed } from '../support/tokens.ts'
import { type ChatClient, once, reached, withClient } from '../support/with_client.ts'

const auth = { secret: signed.secret }
const LIMIT = { timeout: 60_000 }
const message = (text: string) => ({ user: 'ada', text })
const rooms = { 'private-a': ['read', 'write'] }

/** The next welcome, which says who the client is. */
const welcomed = (client: ChatClient) =>
  once((handler: (welcome: { identity?: { subject: string } }) => void) => client.onOpen(handler))

describe('authenticate', () => {
  test(
    'X7 takes the token along when connecting: the server knows it from the start',
    LIMIT,
    () =>
      withClient({ auth }, async ({ connect }) => {
        const client = connect({ autoConnect: false })
        const opened = welcomed(client)
        authenticate(client, () => signed({ rooms }))
        assert.equal((await opened)[0].identity?.subject, 'user-1')
        assert.equal((await client.join('private-a').publish('chat.message', message('hi'))).seq, 1)
      }),
  )

  test(
    'X7 or sends it first of all, before whatever the application asked for meanwhile',
    LIMIT,
    () =>
      withClient({ auth: { ...auth, anonymous: true } }, async ({ connect }) => {
        const client = connect({ autoConnect: false })
        const errors: RotundaError[] = []
        client.onError((error) => errors.push(error))
        const room = client.join('private-a', { last: 10 })
        room.onError((error) => errors.push(error))
        const published = room.publish('chat.message', message('early'))
        authenticate(client, () => signed({ rooms }), { handshake: false })
        assert.equal((await published).seq, 1)
        assert.deepEqual(errors, [])
      }),
  )

  for (const handshake of [true, false]) {
    test(
      `X7 brings another token before the one it has ends (${handshake ? 'as a subprotocol' : 'in the session'})`,
      LIMIT,
      () =>
        withClient({ auth: { ...auth, anonymous: !handshake } }, async ({ connect }) => {
          const client = connect({ autoConnect: false })
          let asked = 0
          const closed: number[] = []
          client.onClose(({ code }) => closed.push(code))
          const third = new Promise<void>((resolve) => {
            const token = () => {
              if (++asked === 3) resolve()
              return signed({ exp: inSeconds(3), rooms })
            }
            authenticate(client, token, { handshake })
          })
          await third
          await client.join('private-a').publish('chat.message', message('late'))
          assert.deepEqual(closed, [])
        }),
    )
  }

  test(
    'X7 comes back with a fresh token after its session was ended',
    LIMIT,
    () =>
      withClient({ auth }, async ({ server, connect }) => {
        const client = connect({ autoConnect: false })
        const tokens = [await signed({ rooms, jti: 'first' }), await signed({ rooms, jti: 'second' })]
        let asked = 0
        client.onError(() => {})
        authenticate(client, () => tokens[Math.min(asked++, 1)]!)
        await reached(client, 'open')
        const closed = once((handler: (close: CloseInfo) => void) => client.onClose(handler))
        assert.equal(await (await fetch(`${server.url}/revoke?subject=user-1`)).json(), 1)
        const [{ code, willReconnect }] = await closed
        assert.deepEqual([code, willReconnect], [4401, true])
        await reached(client, 'open')
        assert.ok(asked >= 2, `${asked}`)
      }),
  )

  test(
    'X7 gets another token when the server refused the one it had',
    LIMIT,
    () =>
      withClient({ auth }, async ({ connect }) => {
        const client = connect({ autoConnect: false })
        let asked = 0
        authenticate(client, () => signed(++asked === 1 ? { exp: inSeconds(-60) } : {}))
        await reached(client, 'open')
        assert.ok(asked >= 2)
      }),
  )

  test(
    'X7 tells what goes wrong, and goes on without a token',
    LIMIT,
    () =>
      withClient({ auth: { ...auth, anonymous: true } }, async ({ connect }) => {
        const client = connect({ autoConnect: false })
        const failed = once((handler: (error: RotundaError) => void) => client.onError(handler))
        const opened = welcomed(client)
        authenticate(client, () => Promise.reject(new TypeError('nobody is logged in')))
        const [{ code, cause }] = await failed
        assert.deepEqual([code, String(cause)], ['unauthenticated', 'TypeError: nobody is logged in'])
        client.onError(() => {})
        assert.equal((await opened)[0].identity, undefined)
        assert.equal((await client.join('open').publish('chat.message', message('anonymous'))).seq, 1)
      }),
  )

  test(
    'X7 tells that a token was refused in a session, and the session stays what it is',
    LIMIT,
    () =>
      withClient({ auth: { ...auth, anonymous: true } }, async ({ connect }) => {
        const client = connect({ autoConnect: false })
        const failed = once((handler: (error: RotundaError) => void) => client.onError(handler))
        const forged = await signed({}, 'another secret of more than 32 bytes')
        authenticate(client, forged, { handshake: false })
        const [error] = await failed
        assert.equal(error.code, 'unauthenticated')
        assert.ok(!error.message.includes(forged))
        assert.equal(client.state, 'open')
      }),
  )

  test('X7 ended, leaves the connection as it is', LIMIT, () =>
    withClient({ auth }, async ({ connect }) => {
      const client = connect({ autoConnect: false })
      const end = authenticate(client, () => signed({ rooms }))
      await reached(client, 'open')
      end()
      assert.equal((await client.join('private-a').publish('chat.message', message('hi'))).seq, 1)
    }))
})
