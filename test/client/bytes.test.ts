import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import test from 'node:test'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { createClient } from '../../src/client/mod.ts'
import { once, range, reached } from '../support/with_client.ts'
import { fakeWebSocket } from '../support/fake_socket.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { withHub } from '../support/with_hub.ts'

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, value) => value)
const CONTENTS = [EVERY_BYTE, new Uint8Array(0), new TextEncoder().encode('{"json":1}'), new Uint8Array(40_000).fill(7)]

for (const [name, codec] of [['JSON', undefined], ['FlatBuffers', flatbuffers]] as const) {
  test(`P6 bytes over ${name} come back as they were: live, from the log and in the history`, () =>
    withHub({ codecs: [flatbuffers] }, async ({ connect }) => {
      const options = codec ? { codec } : {}
      const room = connect(options).join('files')
      const live: unknown[] = []
      const all = new Promise<void>((resolve) => {
        room.on('file.chunk', ({ payload }) => {
          if (live.push(payload) === CONTENTS.length) resolve()
        })
      })
      const seqs = await Promise.all(CONTENTS.map(async (bytes) => (await room.publish('file.chunk', bytes)).seq))
      assert.deepEqual(seqs, range(1, CONTENTS.length))
      await all
      assert.deepEqual(live, CONTENTS)

      const late = connect(options).join('files', { last: 10 })
      const replayed: unknown[] = []
      await new Promise<void>((resolve) => {
        late.on('file.chunk', (message) => {
          if (replayed.push(message.payload) === CONTENTS.length) resolve()
        })
      })
      assert.deepEqual(replayed, CONTENTS)

      const read: unknown[] = []
      for await (const message of late.history({ limit: 2 })) {
        read.unshift(message.payload)
        assert.equal('encoding' in message, false)
      }
      assert.deepEqual(read, CONTENTS)
    }))
}

test('P6 bytes that are not stored arrive as bytes, over both codecs in one room', () =>
  withHub({ codecs: [flatbuffers] }, async ({ connect }) => {
    const [json, binary] = [connect(), connect({ codec: flatbuffers })]
    const rooms = [json.join('files'), binary.join('files')]
    await Promise.all(rooms.map((room) => once(room.onJoined.bind(room))))
    for (const room of rooms) {
      const got = Promise.all(rooms.map((each) => {
        return once((handler: (message: { payload: Uint8Array }) => void) => each.on('file.preview', handler))
      }))
      room.publish('file.preview', EVERY_BYTE)
      for (const [message] of await got) assert.deepEqual(message.payload, EVERY_BYTE)
    }
  }))

test('bytes are sent as they were when publish was called, whatever becomes of the array', async () => {
  const { WebSocket, sockets } = fakeWebSocket()
  const client = createClient({ url: 'ws://localhost/', protocol: fixture, WebSocket })
  try {
    const room = client.join('files')
    const bytes = new Uint8Array([1, 2, 3])
    void room.publish('file.chunk', bytes)
    void room.publish('file.chunk', Buffer.from([4, 5, 6]).subarray(1))
    bytes.fill(0)
    sockets[0]!.welcome()
    await reached(client, 'open')
    await Promise.resolve()
    const sent = sockets[0]!.envelopes.filter(({ type }) => type === 'file.chunk')
    assert.deepEqual(sent.map(({ encoding, payload }) => [encoding, payload]), [['base64', 'AQID'], ['base64', 'BQY=']])
  } finally {
    client.close()
  }
})
