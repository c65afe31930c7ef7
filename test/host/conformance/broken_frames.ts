import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { clientFrame, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { onDeno, row, served } from './rows.ts'

const LIMIT = 65_536
const UNMASKED = 'a frame that is not masked'

/** Frames larger than allowed. */
export function oversize(host: HostName): void {
  row(host, 'size', (test) => {
    const server = served({ host, events: true })

    test('a frame of exactly the limit is read; one byte more: 1009', async () => {
      const client = await WireClient.open(server().port)
      const ping = JSON.stringify({ type: 'session.ping', ref: 'fits' })
      client.send(ping.padEnd(LIMIT))
      await client.next({ type: 'session.pong', ref: 'fits' })
      client.send(ping.padEnd(LIMIT + 1))
      assert.equal((await client.closed).code, 1009)
    })

    test('what counts is bytes, not characters', async () => {
      const client = await WireClient.open(server().port)
      const ping = JSON.stringify({ type: 'session.ping', ref: 'euros', unknown: '€'.repeat(21_000) })
      const room = LIMIT - Buffer.byteLength(ping)
      client.send(ping + ' '.repeat(room))
      await client.next({ type: 'session.pong', ref: 'euros' })
      client.send(ping + ' '.repeat(room + 1))
      assert.equal((await client.closed).code, 1009)
    })

    test('the same holds for bytes', async () => {
      const client = await WireClient.open(server().port)
      client.send(new Uint8Array(LIMIT))
      assert.equal((await client.errorOf(undefined)).code, 'invalid_frame')
      client.send(new Uint8Array(LIMIT + 1))
      assert.equal((await client.closed).code, 1009)
    })

    test('the application is told 1009', async () => {
      const client = await WireClient.open(server().port)
      const session = await client.session()
      client.send('x'.repeat(LIMIT + 1))
      await client.closed
      assert.equal((await server().event({ type: 'close', session }))['code'], 1009)
    })

    test('an oversized frame is refused by its head, before its content is sent', async () => {
      const raw = await RawSocket.upgraded(server().port)
      raw.write(new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4]))
      // Deno refuses by its head what has more than 64 MiB, and then without a close frame.
      if (onDeno(host)) await raw.closed
      else assert.equal(await raw.closeCode(), 1009)
      raw.destroy()
      await (await WireClient.open(server().port)).close()
    }, { substitute: onDeno(host) && 'oversize-read' })

    test('an oversized message in fragments: 1009', async () => {
      const raw = await RawSocket.upgraded(server().port)
      raw.write(clientFrame(1, 'x'.repeat(40_000), { fin: false }))
      raw.write(clientFrame(0, 'x'.repeat(40_000)))
      assert.equal(await raw.closeCode(), 1009)
      raw.destroy()
    })
  })
}

/** Frames that RFC 6455 does not allow. */
export function brokenFrames(host: HostName): void {
  const broken: [name: string, code: number, bytes: Uint8Array][] = [
    ['text that is not UTF-8', 1007, clientFrame(1, new Uint8Array([0x22, 0xc3, 0x28, 0x22]))],
    ['text with half a surrogate pair in UTF-8', 1007, clientFrame(1, new Uint8Array([0xed, 0xa0, 0x80]))],
    [UNMASKED, 1002, clientFrame(1, '{"type":"session.ping"}', { masked: false })],
    ['a reserved bit', 1002, new Uint8Array([0xc1, 0x80, 1, 2, 3, 4])],
    ['an unknown opcode', 1002, clientFrame(3, 'x')],
    ['an unknown control opcode', 1002, clientFrame(11, 'x')],
    ['a continuation of nothing', 1002, clientFrame(0, 'x')],
    ['a ping in fragments', 1002, clientFrame(9, 'x', { fin: false })],
    ['a ping of 126 bytes', 1002, clientFrame(9, 'x'.repeat(126))],
    ['a message within a message', 1002, Buffer.concat([clientFrame(1, 'x', { fin: false }), clientFrame(1, 'x')])],
  ]
  row(host, 'broken', (test) => {
    const server = served({ host, events: true })

    for (const [name, code, bytes] of broken) {
      if (onDeno(host) && name === UNMASKED) continue
      test(`${name}: ${code}, which the application is told, and the process lives`, async () => {
        const raw = await RawSocket.upgraded(server().port)
        const session = await raw.session()
        raw.write(bytes)
        if (onDeno(host)) await raw.closed
        else assert.equal(await raw.closeCode(), code)
        assert.equal((await server().event({ type: 'close', session }))['code'], code)
        raw.destroy()
        const client = await WireClient.open(server().port)
        await client.ping()
        await client.close()
      }, { substitute: onDeno(host) && 'silent-violation' })
    }

    if (onDeno(host)) {
      test(`${UNMASKED} is read like another`, async () => {
        const raw = await RawSocket.upgraded(server().port)
        await raw.session()
        raw.write(clientFrame(1, '{"type":"session.ping","ref":"bare"}', { masked: false }))
        assert.match((await raw.frame()).payload.toString(), /"session.pong".*"bare"/)
        raw.destroy()
      }, { substitute: 'unmasked' })
    }

    test('a close with a code that must not be sent is answered, and the process lives', async () => {
      for (const code of [0, 999, 1005, 1006, 1015, 5000]) {
        const raw = await RawSocket.upgraded(server().port)
        raw.write(clientFrame(8, new Uint8Array([code >> 8, code & 255])))
        await raw.closeCode()
        raw.destroy()
      }
      await (await WireClient.open(server().port)).close()
    })

    test('a connection that breaks in the middle of a frame leaves nothing behind', async () => {
      const witness = await WireClient.open(server().port)
      const raw = await RawSocket.upgraded(server().port)
      raw.write(clientFrame(1, JSON.stringify({ type: 'room.join', room: 'broken', ref: 'j' })))
      await raw.frame()
      await raw.frame()
      raw.write(clientFrame(1, 'x'.repeat(1000)).subarray(0, 500))
      raw.destroy()
      let members = 1
      for (let i = 0; members !== 0; i++) {
        witness.send({ type: 'chat.stats', room: 'broken', ref: `s${i}`, payload: {} })
        members = ((await witness.next({ ref: `s${i}` })).payload as { members: number }).members
      }
      await witness.close()
    })

    test('after all of which the process lives and has logged nothing', () => {
      assert.ok(server().isAlive())
      assert.equal(server().stderr(), '', 'bad input is no reason to log')
    })
  })
}
