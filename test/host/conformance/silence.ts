import assert from 'node:assert/strict'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { balanced } from './closing.ts'
import { onDeno, row, withServer } from './rows.ts'

/** Clients that say nothing, or do not answer. */
export function silence(host: HostName): void {
  row(host, 'silence', (test) => {
    test('a connection that says nothing is told so and closed with 4000; one that talks is kept', () => {
      return withServer({ host, events: true, limits: { pingInterval: 0, idleTimeout: 0.4 } }, async (server) => {
        const { port } = server
        const [idle, busy] = await Promise.all([WireClient.open(port), WireClient.open(port)])
        const session = await idle.session()
        let closed = false
        const end = idle.closed.then(({ code }) => {
          closed = true
          return code
        })
        while (!closed) await busy.ping()
        assert.equal(await end, 4000)
        const { code, retryable } = (await idle.next({ type: 'error' })).payload as { code: string; retryable: boolean }
        assert.deepEqual([code, retryable], ['idle_timeout', true])
        assert.equal((await server.event({ type: 'close', session }))['code'], 4000)
        await busy.ping()
        await busy.close()
      })
    })

    test('a connection that answers pings is not idle, however long it says nothing', () => {
      // Deno pings after half of the sum: at 1.75 s.
      const limits = { pingInterval: 0.5, pongTimeout: 3, idleTimeout: 3 }
      return withServer({ host, limits }, async ({ port }) => {
        const raw = await RawSocket.upgraded(port)
        const started = Date.now()
        let pinged = 0
        while (Date.now() - started < 5_000 || pinged < 2) {
          const { opcode, payload } = await raw.frame()
          assert.notEqual(opcode, 8, payload.toString())
          if (opcode !== 9) continue
          pinged += 1
          raw.write(clientFrame(10, payload))
        }
        raw.destroy()
      })
    }, { waits: true })

    test('a connection that owes a pong is told so and closed with 4001', () => {
      const limits = { pingInterval: 0.1, pongTimeout: 0.2 }
      return withServer({ host, events: true, limits }, async (server) => {
        const raw = await RawSocket.upgraded(server.port)
        const session = await raw.session()
        const opcodes: number[] = []
        let told = ''
        while (true) {
          const { opcode, payload } = await raw.frame()
          opcodes.push(opcode)
          if (opcode === 1) told = payload.toString()
          if (opcode !== 8) continue
          assert.equal(payload.readUInt16BE(0), onDeno(host) ? 1001 : 4001)
          break
        }
        assert.deepEqual(opcodes, onDeno(host) ? [9, 8] : [9, 1, 8])
        if (!onDeno(host)) {
          assert.equal((JSON.parse(told) as { payload: { code: string } }).payload.code, 'pong_timeout')
        }
        assert.equal((await server.event({ type: 'close', session }))['code'], 4001)
        raw.destroy()
        await balanced(server)
      })
    }, { substitute: onDeno(host) && 'pong-timeout' })

    test('a socket that never finishes the closing handshake is cut, and its place is free', () => {
      const limits = { pingInterval: 0, idleTimeout: 0.2, maxConnections: 1 }
      return withServer({ host, events: true, limits }, async (server) => {
        const raw = await RawSocket.open(server.port, { allowHalfOpen: true })
        raw.write(handshake())
        await raw.response()
        const session = await raw.session()
        assert.equal(await raw.closeCode(), 4000)
        const closed = Date.now()
        assert.equal((await server.event({ type: 'close', session }))['code'], 4000)
        // The hub gives it 5 s where the runtime does not end it at once.
        assert.ok(Date.now() - closed < 15_000)
        assert.equal(await server.sessions(), 0)
        if (!onDeno(host)) {
          // Writing on tells whether anybody is there: a connection that was let go is reset.
          const writing = setInterval(() => raw.write('x'), 20)
          await raw.closed
          clearInterval(writing)
        }
        const next = await WireClient.open(server.port)
        await next.close()
        raw.destroy()
      })
    }, { substitute: onDeno(host) && 'no-terminate', waits: true })
  })
}

/** More connections than allowed. */
export function connectionLimit(host: HostName): void {
  row(host, 'limit', (test) => {
    test('one connection too many is refused with 503 before the upgrade; when one has left, the next is taken', () => {
      return withServer({ host, events: true, limits: { maxConnections: 2 } }, async (server) => {
        const first = await WireClient.open(server.port)
        const second = await WireClient.open(server.port)
        const session = await first.session()
        await Promise.all([first.ping(), second.ping()])
        const raw = await RawSocket.open(server.port)
        raw.write(handshake())
        const { status, headers, body } = await raw.response()
        assert.equal(status, 503)
        assert.ok(Number(headers.get('retry-after')) > 0)
        const { payload } = JSON.parse(body) as { payload: { code: string; message: string; retryable: boolean } }
        assert.deepEqual([payload.code, payload.retryable], ['connection_limit', true])
        assert.match(payload.message, /its 2 connections/)
        await first.close()
        await server.event({ type: 'close', session })
        raw.write(handshake())
        assert.equal((await raw.response()).status, 101)
        raw.destroy()
        await second.ping()
        await second.close()
      })
    })

    test('a full server says so to whoever asks for its health', () => {
      return withServer({ host, limits: { maxConnections: 1 } }, async (server) => {
        const client = await WireClient.open(server.port)
        await client.ping()
        const response = await fetch(`${server.url}/health`)
        const { status, sessions } = await response.json() as { status: string; sessions: number }
        assert.deepEqual([response.status, status, sessions], [503, 'connection_limit', 1])
        await client.close()
      })
    })

    test('one room too many is refused, and the session lives', () => {
      return withServer({ host, limits: { maxRoomsPerSession: 2 } }, async ({ port }) => {
        const client = await WireClient.open(port)
        for (const room of ['a', 'b', 'c', 'b']) client.send({ type: 'room.join', room, ref: room })
        assert.equal((await client.errorOf('c')).code, 'too_many_rooms')
        client.send({ type: 'room.leave', room: 'a', ref: 'leave' })
        client.send({ type: 'room.join', room: 'c', ref: 'again' })
        await client.next({ type: 'room.joined', ref: 'again' })
        await client.close()
      })
    })
  })
}
