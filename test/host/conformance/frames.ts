import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, served } from './rows.ts'

/** What frames carry, from one end to the other. */
export function frames(host: HostName): void {
  row(host, 'frames', (test) => {
    const server = served({ host, events: true })

    test('text comes out as it went in, both ways', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      for (const text of ['ü €  \u2028 \u{1f680}', '', '\u0000', 'x'.repeat(60_000)]) {
        const frame = `!text ${JSON.stringify({ type: 'echo', payload: text })}`
        client.send(frame)
        assert.equal((await client.next({ type: 'echo' })).payload, text)
        const told = (await server().events()).findLast((event) => event.session === session)
        assert.deepEqual([told?.['content'], told?.['isBytes']], [frame, false])
      }
      await client.close()
    })

    test('of a view into a larger buffer only the view is sent, both ways', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send(new Uint8Array([9, 9, 1, 0, 255, 9]).subarray(2, 5))
      const { content } = await server().event({ type: 'message', session, isBytes: true })
      assert.deepEqual(content, [1, 0, 255])
      await client.close()
      const raw = await RawSocket.upgraded(server().port)
      await raw.session()
      for (const bytes of [[1, 0, 255], [], [7]]) {
        raw.write(clientFrame(1, `!bytes ${bytes}`))
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, [...payload]], [2, bytes])
      }
      raw.destroy()
    })

    test('a message in fragments is told once and whole, with a ping between them', async () => {
      const raw = await RawSocket.upgraded(server().port)
      const session = await raw.session()
      const [first, second, third] = ['!text "', 'a€'.repeat(10_000), '"']
      raw.write(clientFrame(1, first!, { fin: false }))
      const bytes = Buffer.from(second!)
      // Cut within a character.
      raw.write(clientFrame(0, bytes.subarray(0, 5_002), { fin: false }))
      raw.write(clientFrame(9, 'between'))
      raw.write(clientFrame(0, bytes.subarray(5_002), { fin: false }))
      raw.write(clientFrame(0, third!))
      assert.deepEqual(await raw.frame(), { opcode: 10, compressed: false, payload: Buffer.from('between') })
      assert.equal((await raw.frame()).payload.toString(), `"${second}"`)
      const events = await server().events()
      assert.equal(events.filter((event) => event.type === 'message' && event.session === session).length, 1)
      raw.destroy()
    })

    test('a frame that is sent together with the handshake is not lost', async () => {
      const raw = await RawSocket.open(server().port)
      raw.write(Buffer.concat([Buffer.from(handshake()), clientFrame(1, '{"type":"session.ping","ref":"hasty"}')]))
      assert.equal((await raw.response()).status, 101)
      await raw.session()
      assert.match((await raw.frame()).payload.toString(), /"session.pong".*"hasty"/)
      raw.destroy()
    })
  })
}

/** The session object, and where its client is. */
export function identity(host: HostName): void {
  row(host, 'identity', (test) => {
    const server = served({ host, events: true })

    test('every handler of a session is given the object that open was given', async () => {
      const raw = await RawSocket.upgraded(server().port)
      const session = await raw.session()
      raw.write(clientFrame(1, '!text "x"'))
      raw.write(clientFrame(2, new Uint8Array([1])))
      if (!onDeno(host)) raw.write(Buffer.concat([clientFrame(9, 'p'), clientFrame(10, 'q')]))
      raw.write(clientFrame(8, new Uint8Array([3, 232])))
      await server().event({ type: 'close', session })
      const told = (await server().events()).filter((event) => event.session === session && event.type !== 'open')
      const types = onDeno(host) ? ['message', 'message', 'close'] : ['message', 'message', 'ping', 'pong', 'close']
      assert.deepEqual(told.map(({ type, same }) => [type, same]), types.map((type) => [type, true]))
      raw.destroy()
    })

    test('a session knows its client’s address and port, and what its request said', async () => {
      const raw = await RawSocket.upgraded(server().port, { 'User-Agent': 'the raw one' })
      const session = await raw.session()
      const { remoteAddress, remotePort, metadata, state } = await server().event({ type: 'open', session })
      assert.deepEqual({ remoteAddress, remotePort, metadata, state }, {
        remoteAddress: '127.0.0.1',
        remotePort: raw.socket.localPort,
        metadata: { agent: 'the raw one' },
        state: 'connecting',
      })
      raw.destroy()
    })
  })
}

/** Ping and pong frames of both sides. */
export function pings(host: HostName): void {
  row(host, 'pings', (test) => {
    const server = served({ host, events: true, limits: { pingInterval: 0 } })

    test('a client’s ping is answered with its own data', async () => {
      const raw = await RawSocket.upgraded(server().port)
      await raw.session()
      for (const data of ['', 'hello', 'x'.repeat(125)]) {
        raw.write(clientFrame(9, data))
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, payload.toString()], [10, data])
      }
      raw.destroy()
    })

    test('the application is told of a client’s ping, and of pongs, asked for or not', async () => {
      const raw = await RawSocket.upgraded(server().port)
      const session = await raw.session()
      raw.write(clientFrame(9, 'hello'))
      await raw.frame()
      raw.write(clientFrame(10, 'unasked'))
      raw.write(clientFrame(1, '!ping 1,2,3'))
      const { sent } = await server().event({ type: 'pinged', session })
      assert.equal(sent, !onDeno(host), 'session.ping() says whether a ping was sent')
      if (!onDeno(host)) {
        const { opcode, payload } = await raw.frame()
        assert.deepEqual([opcode, [...payload]], [9, [1, 2, 3]])
        raw.write(clientFrame(10, payload))
      }
      raw.write(clientFrame(1, '!text "end"'))
      await raw.frame()
      const told = (await server().events()).filter((event) => event.session === session && /^p.ng$/.test(event.type))
      const bytes = (text: string) => [...Buffer.from(text)]
      const expected = [['ping', bytes('hello')], ['pong', bytes('unasked')], ['pong', [1, 2, 3]]]
      assert.deepEqual(told.map(({ type, data }) => [type, data]), onDeno(host) ? [] : expected)
      raw.destroy()
    }, { substitute: onDeno(host) && 'no-ping' })
  })
}
