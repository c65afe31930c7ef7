import assert from 'node:assert/strict'
import test from 'node:test'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { type Codec, createClient } from '../../src/client/mod.ts'
import { type Frame, jsonCodec } from '../../src/protocol/mod.ts'
import { fakeWebSocket } from '../support/fake_socket.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { range, reached, says } from '../support/with_client.ts'
import { withHub } from '../support/with_hub.ts'

/** JSON whose frames are bytes, each with a byte before it so that nobody takes them for text. */
const binary: Codec = {
  name: 'binary',
  subprotocol: 'rotunda.v1.binary',
  encode: (batch) => new Uint8Array([0, ...new TextEncoder().encode(jsonCodec.encode(batch) as string)]),
  decode: (frame) => jsonCodec.decode(typeof frame === 'string' ? 'no text' : read(frame)),
}
const read = (frame: Frame) => new TextDecoder().decode((frame as Uint8Array).subarray(1))
const frameOf = (envelope: object) => new Uint8Array([0, ...new TextEncoder().encode(JSON.stringify(envelope))])

function connected(codec: Codec | undefined) {
  const { WebSocket, sockets } = fakeWebSocket()
  const client = createClient({ url: 'ws://localhost/', protocol: fixture, WebSocket, ...codec ? { codec } : {} })
  return { client, socket: sockets[0]! }
}

const welcome = { type: 'session.welcome', payload: { session: 's', maxBatch: 4, maxMessageSize: 400 } }

test('the client offers its codec first, and JSON to a server that does not know it', async () => {
  const { client, socket } = connected(binary)
  try {
    assert.deepEqual(socket.offered, ['rotunda.v1.binary', 'rotunda.v1.json'])
    assert.equal(socket.binaryType, 'arraybuffer')
    socket.welcome()
    await reached(client, 'open')
    client.send('chat.typing', { user: 'Ada' })
    await Promise.resolve()
    assert.deepEqual(socket.envelopes, [{ type: 'chat.typing', payload: { user: 'Ada' } }])
  } finally {
    client.close()
  }
  const plain = connected(undefined)
  assert.deepEqual(plain.socket.offered, ['rotunda.v1.json'])
  plain.client.close()
})

test('a server that chooses no subprotocol is spoken to in JSON', async () => {
  const { client, socket } = connected(binary)
  try {
    socket.receive(JSON.stringify(welcome))
    await reached(client, 'open')
    client.send('chat.typing', { user: 'Ada' })
    await Promise.resolve()
    assert.equal(typeof socket.sent[0], 'string')
  } finally {
    client.close()
  }
})

test('P4 frames of another codec are packed within the limits of the server, and read in order', async () => {
  const { client, socket } = connected(binary)
  try {
    socket.protocol = binary.subprotocol
    const raw: unknown[] = []
    client.onMessage((frame) => raw.push(typeof frame === 'string' ? frame : read(frame)))
    socket.receive(frameOf(welcome))
    await reached(client, 'open')
    for (const n of range(1, 30)) client.send('chat.typing', { user: 'x'.repeat(n) })
    await Promise.resolve()
    const frames = socket.sent as Uint8Array[]
    const batches = frames.map((frame) => [JSON.parse(read(frame))].flat() as { payload: { user: string } }[])
    assert.ok(batches.every((batch, i) => batch.length <= 4 && frames[i]!.length <= 400))
    assert.deepEqual(batches.flat().map(({ payload }) => payload.user.length), range(1, 30))

    const heard: string[] = []
    client.on('chat.typing', ({ payload }) => heard.push(payload.user))
    const typing = (user: string) => ({ type: 'chat.typing', ts: 1, payload: { user } })
    socket.receive(frameOf([typing('a'), { no: 'envelope' }, typing('b')]))
    socket.receive(new Uint8Array([0, 1, 2]))
    socket.receive('text of another sort')
    socket.receive(frameOf(typing('c')))
    assert.deepEqual(heard, ['a', 'b', 'c'])
    assert.deepEqual(raw.slice(-2), ['text of another sort', JSON.stringify(typing('c'))])
  } finally {
    client.close()
  }
})

test('P6 batches of FlatBuffers stay within the limits that their envelopes were measured for', async () => {
  const { client, socket } = connected(flatbuffers)
  try {
    socket.protocol = flatbuffers.subprotocol
    const limits = { ...welcome, payload: { ...welcome.payload, node: 'n', epoch: 'e', maxBatch: 64 } }
    for (const maxMessageSize of [400, 1_000, 5_000]) {
      const payload = JSON.stringify({ ...limits.payload, maxMessageSize })
      socket.receive(flatbuffers.encode([{ ...limits, payload }]))
      await reached(client, 'open')
      socket.sent.length = 0
      for (const n of range(1, 64)) client.send('chat.typing', { user: 'x'.repeat(n) })
      for (const n of range(1, 64)) client.send('file.preview', new Uint8Array(n))
      await Promise.resolve()
      assert.ok(socket.sent.every((frame) => frame.length <= maxMessageSize))
      const sent = socket.sent.flatMap((frame) => flatbuffers.decode(frame).map(({ envelope }) => envelope!.payload))
      assert.deepEqual(sent.slice(0, 64), range(1, 64).map((n) => ({ user: 'x'.repeat(n) })))
      assert.deepEqual(sent.slice(64), range(1, 64).map((n) => new Uint8Array(n)))
    }
  } finally {
    client.close()
  }
})

test('P6 over FlatBuffers all of the client works: order, acks, history, requests, errors, resuming', () =>
  withHub({ codecs: [flatbuffers] }, async ({ hub, connect }) => {
    hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
    const [client, other] = [connect({ codec: flatbuffers }), connect()]
    let session = ''
    client.onOpen((welcomed) => session = welcomed.session)
    const room = client.join('africa')
    const seqs: number[] = []
    let wanted = () => {}
    room.on('chat.message', ({ seq }) => {
      seqs.push(seq)
      if (seq === 200) wanted()
    })
    const all = new Promise<void>((resolve) => wanted = resolve)
    const writer = other.join('africa')
    const places = range(1, 50).map((n) => room.publish('chat.message', says(`${n}`)))
    assert.deepEqual((await Promise.all(places)).map(({ seq }) => seq), range(1, 50))
    assert.deepEqual(await room.request('chat.stats', {}), { members: 2 })
    await assert.rejects(room.publish('chat.message', says('x'), { key: '\n' }), { code: 'invalid_key' })
    hub.session(session)!.close(4000)
    await Promise.all(range(51, 199).map((n) => writer.publish('chat.message', says(`${n}`))))
    assert.equal((await room.publish('chat.message', says('200'))).seq, 200)
    await all
    assert.deepEqual(seqs, range(1, 200))
    const history: number[] = []
    for await (const { seq } of room.history({ limit: 64 })) history.push(seq)
    assert.deepEqual(history, range(1, 200).reverse())
  }))
