import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import process from 'node:process'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import { type HostName, spawnServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { heard, infoOf, openRaw } from './raw.ts'
import { onDeno, row, served, withServer } from './rows.ts'

const KIBIBYTE = 1024

/** The code and reason of the close frame that comes next, which is answered. */
async function closedWith(raw: RawSocket): Promise<[code: number, reason: string]> {
  const { opcode, payload } = await raw.frame()
  assert.equal(opcode, 8, payload.toString())
  raw.write(clientFrame(8, payload.subarray(0, 2)))
  return [payload.readUInt16BE(0), payload.subarray(2).toString()]
}

/** How connections of raw services end, and what bounds them. */
export function rawEnds(host: HostName): void {
  row(host, 'rawEnds', (test) => {
    const server = served({ host, events: true, raw: { maxMessageSize: 1_000 }, limits: { pingInterval: 0 } })
    const ended = async (session: string) => {
      const { code, reason, same, state } = await server().event({ type: 'raw', session, what: 'close' })
      assert.deepEqual({ same, state }, { same: true, state: 'closed' })
      return [code, reason]
    }
    test('T6 close codes and reasons of both sides are told, once', async () => {
      const closing = await openRaw(server().port)
      const { id } = await infoOf(closing)
      closing.write(clientFrame(8, Buffer.concat([new Uint8Array([16, 225]), Buffer.from('für €5')])))
      assert.equal(await closing.closeCode(), 4321)
      assert.deepEqual(await ended(id), [4321, 'für €5'])
      const closed = await openRaw(server().port)
      const { id: other } = await infoOf(closed)
      closed.write(clientFrame(1, '!close 4322 why'))
      assert.deepEqual(await closedWith(closed), [4322, 'why'])
      assert.deepEqual(await ended(other), [4322, 'why'])
      const broken = await openRaw(server().port)
      const { id: third } = await infoOf(broken)
      broken.destroy()
      assert.equal((await ended(third))[0], 1006)
      const closes = (await server().events()).filter(({ type, what }) => type === 'raw' && what === 'close')
      assert.deepEqual(closes.map(({ session }) => session), [id, other, third])
      for (const raw of [closing, closed]) raw.destroy()
    })

    test('X1 a message above the service’s limit: 1009, below the hub’s or not; the hub keeps its own', async () => {
      for (
        const frame of [
          clientFrame(1, 'x'.repeat(1_001)),
          clientFrame(1, '€'.repeat(334)),
          clientFrame(2, '€'.repeat(334)),
        ]
      ) {
        const raw = await openRaw(server().port)
        const { id } = await infoOf(raw)
        raw.write(clientFrame(1, 'x'.repeat(1_000)))
        assert.equal((await raw.frame()).payload.length, 1_000)
        raw.write(frame)
        assert.equal((await closedWith(raw))[0], 1009)
        assert.equal((await ended(id))[0], 1009)
        raw.destroy()
      }
      const large = await openRaw(server().port, '/raw/large')
      large.write(clientFrame(2, 'x'.repeat(200_000)))
      assert.equal((await large.frame()).payload.length, 200_000)
      large.write(clientFrame(2, 'x'.repeat(256 * KIBIBYTE + 1)))
      assert.equal((await closedWith(large))[0], 1009)
      large.destroy()
      const client = await WireClient.open(server().port)
      client.send('x'.repeat(65 * KIBIBYTE))
      assert.equal((await client.closed).code, 1009)
    })

    for (const [what, size, count] of [['frames', 1, 5], ['bytes', 400, 3]] as const) {
      test(`P8 more ${what} than may wait unread: 4003 and why, never lost in silence`, async () => {
        const raw = await openRaw(server().port, '/raw/unread')
        const frames = Array.from({ length: count }, () => clientFrame(1, 'x'.repeat(size)))
        raw.write(Buffer.concat(frames.slice(1)))
        raw.write(clientFrame(9, 'still here'))
        assert.deepEqual(await heard(raw), [10, 'still here'])
        raw.write(frames[0]!)
        const reason = 'More than 4 frames or 1000 bytes wait to be read.'
        assert.deepEqual(await closedWith(raw), [4003, reason])
        await server().event({ type: 'raw', what: 'close', code: 4003, reason })
        raw.destroy()
      })
    }

    for (const command of ['!throw', '!reject']) {
      test(`P8 a data handler fails (${command}): 1011 without the reason, and the hub’s error handlers are told`, async () => {
        const raw = await openRaw(server().port)
        const { id } = await infoOf(raw)
        raw.write(clientFrame(1, command))
        assert.deepEqual(await closedWith(raw), [1011, 'The server failed.'])
        assert.equal((await ended(id))[0], 1011)
        const message = `TypeError: the fixture was told to ${command === '!reject' ? 'reject' : 'fail: throw'}`
        await server().event({ type: 'error', message })
        raw.destroy()
      })

      test(`P8 the connection’s own error handlers are told instead (${command})`, async () => {
        const raw = await openRaw(server().port)
        const { id: session } = await infoOf(raw)
        raw.write(clientFrame(1, '!catch'))
        const before = (await server().events()).filter(({ type }) => type === 'error').length
        raw.write(clientFrame(1, command))
        assert.equal((await closedWith(raw))[0], 1011)
        const { message } = await server().event({ type: 'raw', session, what: 'error' })
        assert.match(String(message), /^TypeError: the fixture was told/)
        assert.equal((await server().events()).filter(({ type }) => type === 'error').length, before)
        raw.destroy()
      })
    }

    test('P8 a handler that throws an error of the table closes with its code and message', async () => {
      const raw = await openRaw(server().port)
      raw.write(clientFrame(1, '!refuse'))
      assert.deepEqual(await closedWith(raw), [1008, 'not this'])
      raw.destroy()
    })

    for (const agent of ['throw', 'reject']) {
      test(`P8 the service’s handler fails (${agent}): 1011, reported, others are served`, async () => {
        const raw = await openRaw(server().port, '/raw/fails', { 'User-Agent': agent })
        assert.equal((await closedWith(raw))[0], 1011)
        const message = `TypeError: the fixture was told to fail ${agent === 'throw' ? 'at once' : 'later'}`
        await server().event({ type: 'error', message })
        raw.destroy()
        const other = await openRaw(server().port)
        await infoOf(other)
        other.destroy()
      })
    }

    test('X2 the hub’s connection limit counts raw connections, a service’s own its own: 503 before the upgrade', () => {
      const limits = { maxConnections: 3, pingInterval: 0 }
      return withServer({ host, events: true, raw: { maxConnections: 2 }, limits }, async ({ port, url, event }) => {
        const refused = async (path: string) => {
          const raw = await RawSocket.open(port)
          raw.write(handshake({}, { path }))
          const { status, body } = await raw.response()
          raw.destroy()
          return [status, JSON.parse(body).payload.message]
        }
        const [first, second] = [await openRaw(port), await openRaw(port)]
        const { id: session } = await infoOf(first)
        await infoOf(second)
        assert.deepEqual(await refused('/raw'), [503, 'The service has its 2 connections; try later.'])
        const client = await WireClient.open(port)
        await client.ping()
        const full = [503, 'The server has its 3 connections; try later.']
        assert.deepEqual([await refused('/ws'), await refused('/raw/loop')], [full, full])
        assert.equal((await fetch(`${url}/health`)).status, 503)
        first.destroy()
        await event({ type: 'raw', session, what: 'close' })
        const next = await openRaw(port)
        await infoOf(next)
        for (const raw of [second, next]) raw.destroy()
        await client.close()
      })
    })

    test('X3 a connection that says nothing is closed with 4000, and one that never finishes closing is let go', () => {
      const limits = { pingInterval: 0, idleTimeout: 0.4, maxConnections: 1 }
      return withServer({ host, events: true, raw: {}, limits }, async ({ port, event }) => {
        const raw = await openRaw(port)
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, payload.readUInt16BE(0)], [8, 4000])
        assert.equal(payload.subarray(2).toString(), 'Nothing arrived for 0.4 s.')
        await event({ type: 'raw', what: 'close', code: 4000 })
        const next = await openRaw(port)
        raw.destroy()
        next.destroy()
      })
    }, { waits: onDeno(host) })

    test('X4 a connection that owes a pong is closed with 4001', () => {
      const raw = { pingInterval: 0.1, pongTimeout: 0.2 }
      return withServer({ host, events: true, raw, limits: { pingInterval: 0 } }, async ({ port, event }) => {
        const socket = await openRaw(port)
        assert.equal(await socket.closeCode(), onDeno(host) ? 1001 : 4001)
        await event({ type: 'raw', what: 'close', code: 4001 })
        socket.destroy()
      })
    }, { substitute: onDeno(host) && 'pong-timeout' })

    test('X6 who reads slowly: send says buffered, then handlers hear of the drain; beyond the hard limit 4002', () => {
      const raw = { highWaterMark: 256 * KIBIBYTE, hardLimit: 24_576 * KIBIBYTE }
      return withServer({ host, events: true, raw, limits: { pingInterval: 0 } }, async ({ port, event }) => {
        const slow = await openRaw(port)
        const { id: session } = await infoOf(slow)
        slow.socket.pause()
        slow.write(clientFrame(1, `!fill 320 ${64 * KIBIBYTE}`))
        const { results } = await event({ type: 'raw', session, what: 'filled' })
        // The system takes more now and then.
        assert.match(String(results), /^accepted,buffered/)
        slow.socket.resume()
        const { waiting } = await event({ type: 'raw', session, what: 'drain' })
        assert.ok(Number(waiting) <= 256 * KIBIBYTE, `${waiting} bytes wait`)
        for (let i = 0; i < 320; i++) assert.equal((await slow.frame()).payload.length, 64 * KIBIBYTE)
        slow.destroy()
        const hopeless = await openRaw(port)
        const { id: other } = await infoOf(hopeless)
        hopeless.socket.pause()
        hopeless.write(clientFrame(1, `!fill 1000 ${64 * KIBIBYTE}`))
        const { results: to } = await event({ type: 'raw', session: other, what: 'filled' })
        assert.match(String(to), /^accepted,buffered.*,closed$/)
        const { code, reason } = await event({ type: 'raw', session: other, what: 'close' })
        assert.deepEqual([code, reason], [4002, `More than ${24_576 * KIBIBYTE} bytes wait to be read.`])
        hopeless.destroy()
      })
    }, { waits: onDeno(host) })

    test('a server that stops closes raw connections with 1001, and ends', async () => {
      const own = await spawnServer({ host, raw: {} })
      const [raw, looping] = [await openRaw(own.port), await openRaw(own.port, '/raw/loop')]
      await infoOf(raw)
      const client = await WireClient.open(own.port)
      await client.ping()
      const ended = new Promise((resolve) => own.process.once('close', resolve))
      // By its id: under Deno `child.kill` hides the exit code.
      process.kill(own.process.pid!, 'SIGTERM')
      for (const socket of [raw, looping]) {
        assert.deepEqual(await closedWith(socket), [1001, 'The server is stopping.'])
        socket.destroy()
      }
      assert.equal((await client.closed).code, 1001)
      assert.deepEqual([await ended, own.stderr()], [0, ''])
    })

    test('P8 a service where it cannot be: said at the start', async () => {
      const says = /limits\.maxMessageSize is "1"; it must be a whole number from 256/
      await assert.rejects(spawnServer({ host, raw: { maxMessageSize: 1 } }), { message: says })
      const unknown = /limits\.maxRoomsPerSession is no setting of a raw service; there are: maxMessageSize, /
      await assert.rejects(spawnServer({ host, raw: { maxRoomsPerSession: 1 } }), { message: unknown })
    })

    test('after all of which the process lives and serves', async () => {
      assert.ok(server().isAlive(), server().stderr())
      const raw = await openRaw(server().port)
      await infoOf(raw)
      raw.destroy()
    })
  })
}
