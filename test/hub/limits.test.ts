import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, DEFAULT_LIMITS, defineProtocol, type HubOptions, type Limits } from '../../src/mod.ts'
import { clientFrame, handshake, RawSocket } from '../support/raw_socket.ts'
import { type RoomServerOptions, type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { WireClient } from '../support/wire_client.ts'

async function withServer(options: RoomServerOptions, use: (server: SpawnedServer) => Promise<void>): Promise<void> {
  const server = await spawnServer(options)
  try {
    await use(server)
    assert.ok(server.isAlive(), server.stderr())
  } finally {
    await server.stop()
  }
}

describe('limits of connections', () => {
  test('one connection too many is refused with 503 before the upgrade; when one has left, the next is taken', () => {
    return withServer({ limits: { maxConnections: 2 } }, async (server) => {
      const first = await WireClient.open(server.port)
      const second = await WireClient.open(server.port)
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
      raw.write(handshake())
      assert.equal((await raw.response()).status, 101)
      raw.destroy()
      await second.ping()
      await second.close()
    })
  })

  test('a connection that says nothing is told so and closed with 4000; one that talks is kept', () => {
    return withServer({ limits: { pingInterval: 0, idleTimeout: 0.4 } }, async ({ port }) => {
      const [idle, busy] = await Promise.all([WireClient.open(port), WireClient.open(port)])
      let closed = false
      const end = idle.closed.then(({ code }) => {
        closed = true
        return code
      })
      while (!closed) await busy.ping()
      assert.equal(await end, 4000)
      const { code, retryable } = (await idle.next({ type: 'error' })).payload as { code: string; retryable: boolean }
      assert.deepEqual([code, retryable], ['idle_timeout', true])
      await busy.ping()
      await busy.close()
    })
  })

  test('a connection that answers pings is not idle, however long it says nothing', { timeout: 60_000 }, () => {
    return withServer({ limits: { pingInterval: 0.1, pongTimeout: 5, idleTimeout: 1 } }, async ({ port }) => {
      const raw = await RawSocket.upgraded(port)
      const started = Date.now()
      while (Date.now() - started < 2_000) {
        const { opcode, payload } = await raw.frame()
        assert.notEqual(opcode, 8, payload.toString())
        if (opcode === 9) raw.write(clientFrame(10, payload))
      }
      raw.destroy()
    })
  })

  test('a connection that owes a pong is told so and closed with 4001', () => {
    return withServer({ limits: { pingInterval: 0.1, pongTimeout: 0.2 } }, async ({ port }) => {
      const raw = await RawSocket.upgraded(port)
      const opcodes: number[] = []
      let told = ''
      while (true) {
        const { opcode, payload } = await raw.frame()
        opcodes.push(opcode)
        if (opcode === 1) told = payload.toString()
        if (opcode !== 8) continue
        assert.equal(payload.readUInt16BE(0), 4001)
        break
      }
      assert.deepEqual(opcodes, [1, 9, 1, 8])
      assert.equal((JSON.parse(told) as { payload: { code: string } }).payload.code, 'pong_timeout')
      raw.destroy()
    })
  })

  test(
    'a socket that never finishes the closing handshake is cut, and its place is free at once',
    { timeout: 60_000 },
    () => {
      return withServer({ limits: { pingInterval: 0, idleTimeout: 0.2, maxConnections: 1 } }, async ({ port, url }) => {
        const raw = await RawSocket.open(port, { allowHalfOpen: true })
        raw.write(handshake())
        await raw.response()
        assert.equal(await raw.closeCode(), 4000)
        let sessions = 1
        while (sessions > 0) sessions = (await (await fetch(`${url}/health`)).json() as { sessions: number }).sessions
        // Writing on tells whether anybody is there: a connection that was let go is reset.
        const writing = setInterval(() => raw.write('x'), 20)
        await raw.closed
        clearInterval(writing)
        const next = await WireClient.open(port)
        await next.close()
      })
    },
  )

  test('one room too many is refused, and the session lives', () => {
    return withServer({ limits: { maxRoomsPerSession: 2 } }, async ({ port }) => {
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

describe('bad configuration stops the start and says what is allowed', () => {
  const protocol = defineProtocol({})
  const refuses = (limits: Record<string, unknown>, says: RegExp) => {
    const options = { protocol, limits } as HubOptions<Record<string, never>, unknown>
    assert.throws(() => createHub(options), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'invalid_config')
      assert.match(error.message, says)
      return true
    })
  }

  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]) {
    test(`limits.${name}`, () => {
      const values = [-1, NaN, Infinity, '5', null, true, {}, 1e300, '__proto__']
      const allowed = new RegExp(
        `^limits\\.${name} is .*; it must be a (whole number|number of seconds) from [\\d.]+ to \\d+\\.$`,
      )
      for (const value of values) refuses({ [name]: value }, allowed)
      if (!['idleTimeout', 'pingInterval', 'pongTimeout'].includes(name)) refuses({ [name]: 300.5 }, allowed)
    })
  }

  test('a setting that does not exist is named, with those that do', () => {
    refuses({ maxMessagesize: 1 }, /^limits\.maxMessagesize is not a setting; there are: maxMessageSize, /)
    refuses(JSON.parse('{"__proto__":1}'), /^limits\.__proto__ is not a setting/)
    refuses({ toString: 1 }, /^limits\.toString is not a setting/)
  })

  test('a high-water mark above the hard limit', () => {
    refuses({ highWaterMark: 200_000, hardLimit: 100_000 }, /limits\.highWaterMark is 200000; it must not exceed/)
  })

  test('a hub without a contract', () => {
    const options = {} as HubOptions<Record<string, never>, unknown>
    assert.throws(() => createHub(options), { code: 'invalid_config', message: /needs a "protocol"/ })
  })

  test('a server process ends before it listens', async () => {
    const says =
      /ended with code 1 before it listened: [\s\S]*limits\.maxMessageSize is "1"; it must be a whole number from 256/
    await assert.rejects(spawnServer({ limits: { maxMessageSize: 1 } }), { message: says })
  })

  for (const port of [-1, 65_536, 80.5, '80' as unknown as number]) {
    test(`port ${JSON.stringify(port)}`, async () => {
      await assert.rejects(spawnServer({ port }), { message: /port is .*; it must be a whole number from 0 to 65535/ })
    })
  }

  test('a port in use', () => {
    return withServer({}, async ({ port }) => {
      const says = new RegExp(`Port ${port} cannot be used: [\\s\\S]*Choose another port\\.`)
      await assert.rejects(spawnServer({ port }), { message: says })
    })
  })
})
