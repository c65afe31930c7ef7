import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, memoryStore, type MessageStore } from '../../src/mod.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { clientFrame, handshake, RawSocket } from '../support/raw_socket.ts'
import { MemoryHost, MemoryPeer } from '../support/memory_peer.ts'
import { WireClient } from '../support/wire_client.ts'
import { attack, Line, MEBIBYTE, RUNTIMES } from './attacked.ts'

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

const hi = { user: 'w', text: 'hi' }

for (const host of RUNTIMES) {
  describe(`${host}: storms`, () => {
    test('3,000 connections that come and go at once leave nothing behind', async () => {
      await attack({ host }, { memory: 150 }, async ({ server, witness }) => {
        const join = clientFrame(1, '{"type":"room.join","room":"storm"}')
        for (let round = 0; round < 15; round++) {
          const lines = await Line.many(server.port, 200)
          // Some go in the midst of the handshake, some right after it, some joined.
          for (const [i, line] of lines.entries()) {
            void line.write(handshake())
            if (i % 3 > 0) void line.write(join)
          }
          await witness.ping()
          for (const line of lines) line.destroy()
        }
        await until(async () => await server.sessions() === 1)
        witness.send({ type: 'chat.stats', room: 'storm', ref: 's', payload: {} })
        assert.deepEqual((await witness.next({ ref: 's' })).payload, { members: 0 })
      })
    })

    test(
      '165 clients that resume a large room from its beginning, most of which never read',
      { timeout: 120_000 },
      async () => {
        const seed = { room: 'large', messages: 5_000, trimmed: 0 }
        await attack({ host, seed }, { memory: 250, delay: 3_000 }, async ({ server, witness, grown }) => {
          const { epoch } = await (await fetch(`${server.url}/health`)).json() as { epoch: string }
          const join = { type: 'room.join', room: 'large', payload: { since: { epoch, seq: 0 } } }
          const readers: WireClient[] = []
          const sleepers: RawSocket[] = []
          for (let i = 0; i < 150; i++) {
            const raw = await RawSocket.upgraded(server.port)
            raw.socket.pause()
            raw.write(clientFrame(1, JSON.stringify(join)))
            sleepers.push(raw)
            if (i >= 15) continue
            readers.push(await WireClient.open(server.port))
            readers.at(-1)!.send(join)
          }
          for (const reader of readers) {
            let seq = 0
            while (seq < 5_000) assert.equal((await reader.next({ type: 'chat.message' })).seq, ++seq)
          }
          witness.send({ type: 'chat.message', room: 'large', ref: 'p', payload: hi })
          await witness.next({ type: 'ack', ref: 'p' })
          assert.ok(await grown() < 250 * MEBIBYTE)
          for (const reader of readers) await reader.close()
          for (const raw of sleepers) raw.destroy()
        })
      },
    )

    test('requests for pages of history by the ten thousand keep nobody waiting', async () => {
      const seed = { room: 'large', messages: 1_000, trimmed: 0 }
      await attack({ host, seed }, { memory: 250, delay: 3_000 }, async ({ server, witness }) => {
        const batch = JSON.stringify(Array(500).fill({ type: 'room.history', room: 'large', payload: { limit: 200 } }))
        const raws = await Promise.all(Array.from({ length: 20 }, () => RawSocket.upgraded(server.port)))
        for (const raw of raws) {
          raw.socket.pause()
          raw.write(clientFrame(1, batch))
        }
        for (let i = 0; i < 50; i++) {
          const began = performance.now()
          await witness.ping()
          assert.ok(performance.now() - began < 3_000)
        }
        for (const raw of raws) raw.destroy()
      })
    })

    test('who asks for large answers and reads none is kept a few megabytes of them, not all it may have', async () => {
      await attack({ host }, { memory: 350 }, async ({ server, grown, witness }) => {
        // A few small frames ask for gigabytes: each answer names all the rooms that the session is in.
        const joins = (from: number) => {
          const room = (i: number) => `${from + i}`.padEnd(120, '漢')
          return clientFrame(
            1,
            JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ type: 'room.join', room: room(i) }))),
          )
        }
        const ask = clientFrame(1, JSON.stringify(Array(512).fill({ type: 'session.whoami' })))
        const raws: RawSocket[] = []
        for (let i = 0; i < 40; i++) {
          const raw = await RawSocket.upgraded(server.port)
          raw.socket.pause()
          for (const from of [0, 100]) raw.write(joins(from))
          raw.write(ask)
          raws.push(raw)
        }
        for (let i = 0; i < 20; i++) await witness.ping()
        // All that they may have is 16 MiB each.
        assert.ok(await grown() < 300 * MEBIBYTE, `the server grew by ${await grown() / MEBIBYTE} MiB`)
        assert.equal(await server.sessions(), 41, 'who begins to read is answered')
        const [first] = raws
        first!.socket.resume()
        first!.write(clientFrame(1, '{"type":"session.ping","ref":"late"}'))
        for (let payload = ''; !payload.includes('"late"');) payload = (await first!.frame()).payload.toString()
        for (const raw of raws) raw.destroy()
      })
    })
  })
}

/** A store that counts reads of the log. */
function counting(store: MessageStore): { store: MessageStore; reads: () => number } {
  let reads = 0
  const counted = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name === 'replayRoom') reads += 1
      return value.bind(target)
    },
  })
  return { store: counted, reads: () => reads }
}

test('clients that resume a room at once share the reads of its log', async () => {
  const { store, reads } = counting(memoryStore())
  const common = { room: 'r', kind: 'event', type: 'chat.message', from: null, key: null, ts: 1 }
  await store.append(Array.from({ length: 2_000 }, () => ({ ...common, payload: JSON.stringify(hi) })))
  const hub = createHub({ protocol: fixture, store })
  const host = new MemoryHost({ native: false })
  const peers = Array.from({ length: 200 }, () => new MemoryPeer(host))
  const join = JSON.stringify({ type: 'room.join', room: 'r', payload: { since: { epoch: hub.epoch, seq: 0 } } })
  for (const peer of peers) {
    peer.connection = hub.connect(peer, { subprotocol: 'rotunda.v1.json', metadata: {} })
    peer.connection.receive(join)
  }
  const last = () => peers.every(({ frames }) => String(frames.at(-1)).includes('"seq":2000'))
  while (!last()) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(reads() < 200, `${reads()} reads for 200 clients`)
  await hub.close()
})

test('pages of history are read a few at a time, whoever asks for how many', async () => {
  const store = memoryStore()
  let now = 0
  let most = 0
  const list = store.listByRoom.bind(store)
  store.listByRoom = async (...args: Parameters<typeof list>) => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 1))
    now -= 1
    return await list(...args)
  }
  const hub = createHub({ protocol: fixture, store })
  const pages = await Promise.all(Array.from({ length: 200 }, () => hub.room('r').history()))
  assert.equal(pages.length, 200)
  assert.ok(most <= 4, `${most} at once`)
  await hub.close()
})
