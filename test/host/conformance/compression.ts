import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { clientFrame, handshake, RawSocket } from '../../support/raw_socket.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { onDeno, row, withServer } from './rows.ts'

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
const LONG = JSON.stringify({ type: 'session.ping', ref: 'r', unknown: 'x'.repeat(20_000) })

async function agreed(port: number, headers: Record<string, string>): Promise<[RawSocket, string | undefined]> {
  const raw = await RawSocket.open(port)
  raw.write(handshake(headers))
  const response = await raw.response()
  assert.equal(response.status, 101)
  return [raw, response.headers.get('sec-websocket-extensions')]
}

function deflated(text: string): Buffer {
  const packed = deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
  const frame = clientFrame(1, packed)
  frame[0]! |= 0x40
  return frame
}

function inflated(payload: Buffer): string {
  const whole = Buffer.concat([payload, Buffer.from([0, 0, 255, 255])])
  return inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString()
}

/** permessage-deflate. */
export function compression(host: HostName): void {
  row(host, 'compression', (test) => {
    test('is off unless it is asked for: an offer is not taken', () => {
      return withServer({ host }, async ({ port }) => {
        const [raw, extensions] = await agreed(port, OFFER)
        assert.equal(extensions, undefined)
        assert.equal((await raw.frame()).compressed, false)
        raw.destroy()
      })
    })

    test('is negotiated where it is on; who does not offer it gets plain frames', () => {
      return withServer({ host, compression: true, events: true }, async ({ port }) => {
        const [plain, none] = await agreed(port, {})
        assert.equal(none, undefined)
        assert.equal((await plain.frame()).compressed, false)
        plain.destroy()
        const [raw, extensions] = await agreed(port, OFFER)
        if (onDeno(host)) {
          assert.equal(extensions, undefined, 'Deno has no compression, whatever is asked for')
          return raw.destroy()
        }
        assert.match(extensions ?? '', /^permessage-deflate/)
        const { compressed, payload } = await raw.frame()
        assert.match(compressed ? inflated(payload) : payload.toString(), /session\.welcome/)
        raw.write(clientFrame(1, `!text ${LONG}`))
        const long = await raw.frame()
        assert.equal(long.compressed, true)
        assert.ok(long.payload.length < LONG.length / 10, `${long.payload.length} bytes`)
        assert.equal(inflated(long.payload), LONG)
        raw.destroy()
      })
    }, { substitute: onDeno(host) && 'no-compression' })

    if (onDeno(host)) return

    test('holds for messages of rooms, next to members without it', () => {
      return withServer({ host, compression: true }, async ({ port }) => {
        const [packed] = await agreed(port, OFFER)
        const [plain] = await agreed(port, {})
        const text = async (raw: RawSocket) => {
          const { compressed, payload } = await raw.frame()
          return compressed ? inflated(payload) : payload.toString()
        }
        for (const raw of [packed, plain]) {
          assert.match(await text(raw), /session\.welcome/)
          raw.write(clientFrame(1, '{"type":"room.join","room":"r"}'))
          assert.match(await text(raw), /room\.joined/)
        }
        const said = { type: 'chat.message', room: 'r', payload: { user: 'a', text: 'x'.repeat(4_000) } }
        plain.write(clientFrame(1, JSON.stringify(said)))
        const frame = await packed.frame()
        assert.equal(frame.compressed, true)
        assert.match(inflated(frame.payload), /x{4000}/)
        assert.match(await text(plain), /x{4000}/)
        for (const raw of [packed, plain]) raw.destroy()
      })
    })

    test('reads what a client has deflated, and refuses by 1009 what is too big once inflated', () => {
      return withServer({ host, compression: true }, async ({ port }) => {
        const [raw] = await agreed(port, OFFER)
        await raw.frame()
        raw.write(deflated(LONG))
        const { compressed, payload } = await raw.frame()
        assert.match(compressed ? inflated(payload) : payload.toString(), /session\.pong/)
        raw.write(deflated('x'.repeat(1024 * 1024)))
        assert.equal(await raw.closeCode(), 1009)
        raw.destroy()
      })
    })
  })
}
