import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync } from 'node:zlib'
import { clientFrame, RawSocket } from '../support/raw_socket.ts'
import { attack, Line, MEBIBYTE, RUNTIMES } from './attacked.ts'

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }
/** Sixty megabytes in a frame that is smaller than the largest that is taken. */
const BOMB = deflated(60_000_000)

function deflated(size: number): Buffer {
  const packed = deflateRawSync(Buffer.alloc(size, 'x'), { level: 9, finishFlush: constants.Z_SYNC_FLUSH })
  const frame = clientFrame(1, packed.subarray(0, -4))
  frame[0]! |= 0x40
  return frame
}

test('bun: compressed bombs are refused with 1009 before they are whole', async () => {
  assert.ok(BOMB.length < 64 * 1024)
  await attack({ host: 'bun', compression: true }, { memory: 150 }, async ({ server, witness }) => {
    for (let round = 0; round < 5; round++) {
      const raws = await Promise.all(Array.from({ length: 40 }, () => RawSocket.upgraded(server.port, OFFER)))
      for (const raw of raws) raw.write(BOMB)
      for (const raw of raws) assert.equal(await raw.closeCode(), 1009)
      for (const raw of raws) raw.destroy()
      await witness.ping()
    }
  })
})

test('deno: compressed frames are refused, since nothing was negotiated', async () => {
  await attack({ host: 'deno', compression: true }, { memory: 100 }, async ({ server }) => {
    for (let i = 0; i < 20; i++) {
      const raw = await RawSocket.upgraded(server.port, OFFER)
      raw.write(BOMB)
      await raw.closed
    }
  })
})

/** The head of a frame that says it has 63 MiB. */
const HEAD = new Uint8Array([0x81, 0xff, 0, 0, 0, 0, 0x03, 0xf0, 0, 0, 1, 2, 3, 4])

for (const host of RUNTIMES) {
  test(`${host}: frames that announce 63 MiB and do not send them take no memory`, async () => {
    await attack({ host }, { memory: 80 }, async ({ server, witness }) => {
      const lines: RawSocket[] = []
      for (let i = 0; i < 50; i++) {
        const raw = await RawSocket.upgraded(server.port)
        raw.write(HEAD)
        raw.write(new Uint8Array(100))
        lines.push(raw)
      }
      await witness.ping()
      for (const raw of lines) raw.destroy()
    })
  })
}

async function endless(port: number, megabytes: number): Promise<Line> {
  const line = await Line.open(port)
  await line.write(
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  while (line.received === '') await new Promise((resolve) => line.socket.once('data', resolve))
  await line.write(clientFrame(1, 'x', { fin: false }))
  const piece = clientFrame(0, 'x'.repeat(32_768), { fin: false })
  for (let i = 0; i < megabytes * 32 && line.isOpen; i++) await line.write(piece)
  return line
}

test('bun: a message in fragments without end is refused as soon as it is too large', async () => {
  await attack({ host: 'bun' }, { memory: 50 }, async ({ server }) => {
    const line = await endless(server.port, 100)
    await line.ended
  })
})

test('deno: a message in fragments without end is kept as far as it is sent, which docs/security.md says', async () => {
  await attack({ host: 'deno' }, { memory: 300 }, async ({ server, grown }) => {
    const line = await endless(server.port, 100)
    const growth = await grown() / MEBIBYTE
    assert.ok(growth > 50, `Deno has a bound now: it grew by ${Math.round(growth)} MiB; mend docs/security.md`)
    line.destroy()
  })
})

for (const host of RUNTIMES) {
  test(`${host}: pings by the million whose pongs are not read are not kept`, async () => {
    await attack({ host }, { memory: 100 }, async ({ server, witness }) => {
      const raw = await RawSocket.upgraded(server.port)
      raw.socket.pause()
      const pings = Buffer.concat(Array(1_000).fill(clientFrame(9, 'x'.repeat(125))))
      for (let i = 0; i < 200; i++) raw.write(pings)
      for (let i = 0; i < 50; i++) await witness.ping()
      raw.destroy()
    })
  })
}
