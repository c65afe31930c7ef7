import assert from 'node:assert/strict'
import { flatbuffers } from '../../../adapters/flatbuffers/mod.ts'
import { callOpcode, createClient } from '../../../src/client/mod.ts'
import { fixture } from '../../support/hosts/fixture_protocol.ts'
import type { HostName } from '../../support/spawn_server.ts'
import { WireClient } from '../../support/wire_client.ts'
import { row, served } from './rows.ts'

/** Clients that speak binary frames, beside clients that speak JSON. */
export function binaryFrames(host: HostName): void {
  row(host, 'binary', (test) => {
    const server = served({ host, events: true })
    const connect = (codec = flatbuffers) => {
      return createClient({ url: `ws://127.0.0.1:${server().port}/ws`, protocol: fixture, codec })
    }

    test('P6 the subprotocol is chosen, and frames are binary both ways', async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${server().port}/ws`, ['unknown', 'rotunda.v1.flatbuffers'])
      socket.binaryType = 'arraybuffer'
      const welcome = await new Promise<unknown>((resolve) => socket.onmessage = ({ data }) => resolve(data))
      assert.equal(socket.protocol, 'rotunda.v1.flatbuffers')
      const [decoded] = flatbuffers.decode(new Uint8Array(welcome as ArrayBuffer))
      assert.equal(decoded!.envelope!.type, 'session.welcome')
      const answered = new Promise<unknown>((resolve) => socket.onmessage = ({ data }) => resolve(data))
      socket.send('{"type":"session.ping","ref":"1"}')
      const [refused] = flatbuffers.decode(new Uint8Array(await answered as ArrayBuffer))
      assert.equal((refused!.envelope!.payload as { code: string }).code, 'invalid_frame')
      socket.close()
    })

    test('P6 JSON and binary clients in one room get the same log, live and replayed, bytes and values', async () => {
      const binary = connect()
      const json = await WireClient.open(server().port)
      const room = binary.join('mixed')
      const got: [number, unknown][] = []
      const { promise: all, resolve } = Promise.withResolvers<void>()
      const take = ({ seq, payload }: { seq: number; payload: unknown }) => got.push([seq, payload]) === 3 && resolve()
      room.on('chat.message', take)
      room.on('file.chunk', take)
      await new Promise<void>((joined) => room.onJoined(() => joined()))
      json.send({ type: 'room.join', room: 'mixed', ref: 'join', payload: {} })
      await json.next({ type: 'room.joined', ref: 'join' })
      const text = { user: 'Zoë', text: 'héllo \u{1f30d} \n"\\' }
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
      await room.publish('chat.message', text)
      await room.publish('file.chunk', bytes)
      json.send({ type: 'chat.message', room: 'mixed', ref: 'p', payload: { user: 'json', text: 'x' } })
      await json.next({ type: 'ack', ref: 'p' })
      await all
      const expected: [number, unknown][] = [[1, text], [2, bytes], [3, { user: 'json', text: 'x' }]]
      assert.deepEqual(got, expected)
      assert.deepEqual((await json.next({ seq: 1 })).payload, text)
      assert.equal((await json.next({ seq: 2 })).payload, btoa(String.fromCharCode(...bytes)))
      const late = connect()
      const replayed: [number, unknown][] = []
      const again = late.join('mixed', { last: 10 })
      const { promise: done, resolve: finish } = Promise.withResolvers<void>()
      const keep = ({ seq, payload }: { seq: number; payload: unknown }) =>
        replayed.push([seq, payload]) === 3 && finish()
      again.on('chat.message', keep)
      again.on('file.chunk', keep)
      await done
      assert.deepEqual(replayed, expected)
      const history = []
      for await (const { seq, payload } of again.history()) history.unshift([seq, payload])
      assert.deepEqual(history, expected)
      binary.close()
      late.close()
      await json.close()
    })

    test('P6 errors, requests and custom opcodes over binary frames', async () => {
      const client = connect()
      const room = client.join('errors')
      const wrong = room.publish('chat.message', { user: 'a', text: 'x'.repeat(100_000) })
      await assert.rejects(wrong, { code: 'invalid_payload' })
      await assert.rejects(callOpcode(client, 4_000, new Uint8Array(1)), { code: 'unknown_type' })
      await assert.rejects(callOpcode(client, 202, new Uint8Array(1)), { code: 'internal' })
      assert.deepEqual(await callOpcode(client, 200, new Uint8Array([1, 2, 255])), new Uint8Array([255, 2, 1]))
      assert.deepEqual(await callOpcode(client, 201, new Uint8Array([1])), new Uint8Array(0))
      assert.deepEqual(await room.request('chat.stats', {}), { members: 1 })
      client.close()
    })

    test('broken binary frames are answered, and the session lives until there are too many', async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${server().port}/ws`, ['rotunda.v1.flatbuffers'])
      socket.binaryType = 'arraybuffer'
      const errors: string[] = []
      const closed = new Promise<number>((resolve) => socket.onclose = ({ code }) => resolve(code))
      socket.onmessage = ({ data }) => {
        const [{ envelope }] = flatbuffers.decode(new Uint8Array(data as ArrayBuffer)) as [{ envelope: never }]
        const { type, payload } = envelope as { type: string; payload: { code: string } }
        if (type === 'error') errors.push(payload.code)
        if (type === 'session.welcome') {
          for (let i = 0; i < 101; i++) socket.send(Uint8Array.from({ length: i }, (_, at) => at * 37 + i))
        }
      }
      assert.equal(await closed, 1008)
      assert.deepEqual(errors.slice(0, 3), ['invalid_frame', 'invalid_frame', 'invalid_frame'])
      assert.equal(errors.at(-1), 'too_many_errors')
    })
  })
}
