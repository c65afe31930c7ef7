import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { encryption, generateKey, roomKeys } from '../../src/client/encryption/mod.ts'
import { createClient } from '../../src/client/mod.ts'
import { createHub, defineProtocol, event } from '../../src/mod.ts'
import { once } from '../support/with_client.ts'

const files = defineProtocol({
  note: event(z.object({ text: z.string() })),
  chunk: event(z.instanceof(Uint8Array)),
  cursor: event(z.instanceof(Uint8Array), { durable: false }),
})

test('clients that speak JSON and clients that speak FlatBuffers share an encrypted room, bytes and all', async () => {
  const hub = createHub({ protocol: files, encrypted: ['secret-*'], codecs: [flatbuffers] })
  const { serve } = 'Deno' in globalThis
    ? await import('../../adapters/deno/mod.ts')
    : await import('../../adapters/bun/mod.ts')
  const server = serve(hub, { port: 0, hostname: '127.0.0.1' })
  const keys = roomKeys({ current: 'k1', keys: { k1: generateKey() } })
  const clients = [{}, { codec: flatbuffers }].map((codec) =>
    createClient({ url: `ws://127.0.0.1:${server.port}/ws`, protocol: files, ...codec })
  )
  try {
    const rooms = clients.map((client) => client.join('secret-1', { cipher: encryption(keys) }))
    await Promise.all(rooms.map((room) => once((told: () => void) => room.onJoined(told))))
    for (const [sender, room] of rooms.entries()) {
      const heard = rooms.map((each) =>
        Promise.all([
          once((told: (text: string) => void) => each.on('note', (m) => told(m.payload.text))),
          once((told: (bytes: Uint8Array) => void) => each.on('chunk', (m) => told(m.payload))),
          once((told: (bytes: Uint8Array) => void) => each.on('cursor', (m) => told(m.payload))),
        ])
      )
      const [chunk, cursor] = [new Uint8Array([0, 255, 128, sender]), new Uint8Array([sender])]
      room.publish('cursor', cursor)
      await Promise.all([room.publish('note', { text: `from ${sender}` }), room.publish('chunk', chunk)])
      for (const each of await Promise.all(heard)) assert.deepEqual(each.flat(), [`from ${sender}`, chunk, cursor])
    }
  } finally {
    for (const client of clients) client.close()
    await server.stop()
  }
})
