import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName, SpawnedServer } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, served, withServer } from './rows.ts'

/** A server on which nothing else happens. */
const apart = (host: HostName) => ({ host, events: true, node: 'closing' })

/** How connections end, and what each side is told of it. */
export function closing(host: HostName): void {
  row(host, 'closing', (test) => {
    const server = served(apart(host))
    const told = async (session: string, by = server()) => {
      const { code, reason, same, rooms, state } = await by.event({ type: 'close', session })
      assert.deepEqual({ same, rooms, state }, { same: true, rooms: [], state: 'closed' })
      return [code, reason]
    }

    for (const [code, reason] of [[1000, 'bye'], [3000, ''], [4321, 'für €5']] as const) {
      test(`a client closes with ${code}: the application is told so, after the session has left its rooms`, async () => {
        const client = await WireClient.open(server().port)
        const session = await client.session()
        client.send({ type: 'room.join', room: 'africa', ref: 'j' })
        await client.next({ type: 'room.joined', ref: 'j' })
        assert.deepEqual(await client.close(code, reason), { code, reason })
        assert.deepEqual(await told(session), [code, reason])
      })

      test(`the server closes with ${code}: both are told so`, async () => {
        const client = await WireClient.open(server().port)
        const session = await client.session()
        client.send({ type: 'room.join', room: 'africa', ref: 'j' })
        client.send(`!close ${code} ${reason}`)
        assert.deepEqual(await client.closed, { code, reason })
        assert.deepEqual(await told(session), [code, reason])
      })
    }

    test('the server closes without saying how: 1000', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send('!close')
      assert.deepEqual(await client.closed, { code: 1000, reason: '' })
      assert.deepEqual(await told(session), [1000, ''])
    })

    test('a reason is cut to what a close frame can carry', async () => {
      const client = await WireClient.open(server().port)
      client.send(`!close 4000 ${'€'.repeat(60)}`)
      assert.deepEqual(await client.closed, { code: 4000, reason: '€'.repeat(41) })
    })

    test('a client closes without a code: 1005, and its close frame is answered', async () => {
      const raw = await RawSocket.upgraded(server().port)
      const session = await raw.session()
      raw.write(clientFrame(8, ''))
      assert.equal((await raw.frame()).opcode, 8)
      assert.equal((await told(session))[0], 1005)
      await raw.closed
    })

    test('a client’s close frame is answered with its code', async () => {
      const raw = await RawSocket.upgraded(server().port)
      await raw.session()
      raw.write(clientFrame(8, new Uint8Array([4321 >> 8, 4321 & 255, 0x68, 0x69])))
      assert.equal(await raw.closeCode(), 4321)
      await raw.closed
    })

    test('a connection that breaks, or ends without a close frame: 1006', async () => {
      for (const end of [(raw: RawSocket) => raw.destroy(), (raw: RawSocket) => raw.socket.end()]) {
        const raw = await RawSocket.upgraded(server().port)
        const session = await raw.session()
        end(raw)
        assert.equal((await told(session))[0], 1006)
        raw.destroy()
      }
    })

    test('what was sent before the server closes arrives before the close', async () => {
      const raw = await RawSocket.upgraded(server().port)
      const session = await raw.session()
      raw.socket.pause()
      raw.write(clientFrame(1, '!fill 200 60000'))
      raw.write(clientFrame(1, '!close 4010 enough'))
      raw.write(clientFrame(1, '!text "too late"'))
      const witness = await WireClient.open(server().port)
      await witness.ping()
      raw.socket.resume()
      for (let i = 0; i < 200; i++) assert.ok((await raw.frame()).payload.toString().startsWith(`${i} x`))
      const { opcode, payload } = await raw.frame()
      assert.deepEqual([opcode, payload.readUInt16BE(0), payload.subarray(2).toString()], [8, 4010, 'enough'])
      raw.write(clientFrame(8, payload))
      assert.deepEqual(await told(session), [4010, 'enough'])
      await raw.closed
      await witness.close()
    })

    for (const [command, code] of [['!close 4010 enough', 4010], ['!text "stay"', 1006]] as const) {
      test(`a client that vanishes with data on its way to it, after ${command}: ${code}, told once`, async () => {
        const raw = await RawSocket.upgraded(server().port)
        const session = await raw.session()
        raw.socket.pause()
        raw.write(clientFrame(1, '!fill 200 60000'))
        raw.write(clientFrame(1, command))
        await server().event({ type: 'message', session, content: command })
        raw.destroy()
        assert.equal((await told(session))[0], code)
      })
    }

    test(
      'a client that goes on talking while it is closed reads the close frame all the same',
      () =>
        withServer({ host, events: true }, async (own) => {
          const raw = await RawSocket.upgraded(own.port)
          const session = await raw.session()
          // Many enough to be still on their way some time after the server has closed.
          const talk = Array<Uint8Array>(100_000).fill(clientFrame(1, '{}'))
          raw.write(Buffer.concat([clientFrame(1, '!close 4010 enough'), ...talk]))
          const read = raw.closeCode()
          // Where the machine is so busy that the client pauses, Deno may have dropped the connection by then.
          assert.equal(await (onDeno(host) ? read.catch(() => 4010) : read), 4010)
          assert.deepEqual(await told(session, own), [4010, 'enough'])
          raw.destroy()
        }),
      { substitute: onDeno(host) && 'talking-client', waits: onDeno(host) },
    )

    test('every session that was opened is closed once', () => balanced(server()))
  })
}

/** Waits until no session is left; then each that was opened must have been closed, once, and nothing come after. */
export async function balanced(server: SpawnedServer): Promise<void> {
  while (await server.sessions() > 0);
  const last = await WireClient.open(server.port)
  const session = await last.session()
  await last.close()
  await server.event({ type: 'close', session })
  const events = await server.events()
  const idsOf = (type: string) => events.filter((event) => event.type === type).map((event) => event.session)
  const opened = idsOf('open')
  assert.ok(opened.length > 0)
  assert.deepEqual(idsOf('close').sort(), opened.sort())
  for (const id of opened) assert.equal(events.findLast((event) => event.session === id)?.type, 'close')
}

const CONNECTS = 500
const AT_ONCE = 50

/** Clients that hardly come, and many that come and go. */
export function earlyCloses(host: HostName): void {
  row(host, 'early', (test) => {
    const server = served(apart(host))

    test('a client that is gone before it has read the answer to its handshake leaves nothing behind', async () => {
      for (let i = 0; i < 50; i++) {
        const raw = await RawSocket.open(server().port)
        await new Promise<void>((resolve) => raw.socket.write(handshake(), () => resolve()))
        raw.destroy()
      }
      await balanced(server())
    })

    test('a client that closes with its first packet is told of as opened and closed', async () => {
      const before = (await server().events()).length
      for (let i = 0; i < 20; i++) {
        const raw = await RawSocket.open(server().port)
        raw.write(
          new Uint8Array([...new TextEncoder().encode(handshake()), ...clientFrame(8, new Uint8Array([3, 232]))]),
        )
        await raw.response()
        assert.equal(await raw.closeCode(), 1000)
        await raw.closed
      }
      await balanced(server())
      const events = (await server().events()).slice(before)
      assert.ok(events.filter(({ type, code }) => type === 'close' && code === 1000).length >= 20)
    })

    test('a client that breaks off within its handshake is forgotten', async () => {
      for (let i = 0; i < 20; i++) {
        const raw = await RawSocket.open(server().port)
        raw.socket.end(handshake().slice(0, 40 + i))
        await raw.closed
      }
      await balanced(server())
    })

    test(`${CONNECTS} connects, ${AT_ONCE} at once: none is leaked`, async () => {
      let started = 0
      const connect = async () => {
        while (started++ < CONNECTS) {
          const client = await WireClient.open(server().port)
          if (started % 3 > 0) await client.session()
          await client.close()
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, connect))
      await balanced(server())
      assert.ok((await server().events()).filter(({ type }) => type === 'open').length >= CONNECTS)
    })
  })
}
