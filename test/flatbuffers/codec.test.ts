import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { buildFrame, flatbuffers, type FrameMessage, readFrame } from '../../adapters/flatbuffers/mod.ts'
import { type EncodedEnvelope, type Envelope, type Frame, OPCODES, typeOf } from '../../src/protocol/mod.ts'
import { referenceWrite } from './reference.ts'

/** The one envelope of a frame with one message. */
function decoded(message: FrameMessage): Envelope {
  const [only] = flatbuffers.decode(buildFrame(message))
  return only?.envelope ?? assert.fail(only?.error)
}

function refusal(frame: Frame): { code: string; message: string; ref: string | undefined } {
  const all = flatbuffers.decode(frame)
  assert.equal(all.length, 1)
  const [only] = all
  assert.ok(only?.error !== undefined, 'accepted')
  return { code: only.error.code, message: only.error.message, ref: only.ref }
}

function written(envelope: EncodedEnvelope): FrameMessage {
  return readFrame(flatbuffers.encode([envelope]) as Uint8Array)[0]!
}

describe('an opcode', () => {
  test('below 200 stands for one of the types that the protocol names', () => {
    for (const [name, opcode] of Object.entries(OPCODES)) {
      if (['publish', 'send', 'broadcast'].includes(name)) continue
      const type = typeOf(opcode)!
      assert.equal(decoded({ opcode, type: 'ignored' }).type, type, name)
      assert.deepEqual([written({ type, payload: '{}' }).opcode, written({ type, payload: '{}' }).type], [
        opcode,
        undefined,
      ])
    }
  })

  test('from 200 to 65535 is the type opcode.<n>, its body bytes or JSON', () => {
    for (const opcode of [200, 201, 999, 65_535]) {
      assert.equal(decoded({ opcode }).type, `opcode.${opcode}`)
      assert.equal(written({ type: `opcode.${opcode}`, payload: '{}' }).opcode, opcode)
    }
    assert.deepEqual(decoded({ opcode: 200, body: Uint8Array.of(1) }).payload, Uint8Array.of(1))
  })

  test('that has no meaning is refused by its number, in its own message only, with its transaction', () => {
    for (const opcode of [17, 19, 29, 77, 199]) {
      const { code, message, ref } = refusal(buildFrame({ opcode, transactionId: 't' }))
      assert.deepEqual({ code, ref }, { code: 'unknown_type', ref: 't' })
      assert.ok(message.includes(`Opcode ${opcode} `), message)
    }
    assert.equal(refusal(referenceWrite([{ opcode: 0 }])).code, 'unknown_type')
    const both = flatbuffers.decode(buildFrame({ opcode: 77 }, { opcode: OPCODES.ping }))
    assert.deepEqual(both.map(({ envelope }) => envelope?.type), [undefined, 'session.ping'])
  })

  test('publish is an event to a room, send one to a session, broadcast one to everybody', () => {
    const event = { type: 'chat.message', payload: '1' }
    assert.equal(written({ ...event, room: 'africa' }).opcode, OPCODES.publish)
    assert.equal(written({ ...event, to: 's1' }).opcode, OPCODES.send)
    assert.equal(written({ ...event, to: '*' }).opcode, OPCODES.broadcast)
    assert.deepEqual(decoded({ opcode: OPCODES.send, type: 'a', receiver: 's1' }), { type: 'a', payload: {}, to: 's1' })
    assert.deepEqual(decoded({ opcode: OPCODES.broadcast, type: 'a' }), { type: 'a', payload: {}, to: '*' })
    assert.equal(decoded({ opcode: OPCODES.broadcast, type: 'a', receiver: 's1' }).to, '*')
    assert.match(refusal(buildFrame({ opcode: OPCODES.send, type: 'a' })).message, /"receiver"/)
  })

  test('publish without a type is the type message; an empty type is refused', () => {
    assert.equal(decoded({ opcode: OPCODES.publish, room: 'africa' }).type, 'message')
    assert.deepEqual(refusal(buildFrame({ opcode: OPCODES.publish, type: '', transactionId: 't' })).ref, 't')
  })
})

describe('a transaction id', () => {
  test('of a publish, send or broadcast is a ref if an ack is required', () => {
    for (const opcode of [OPCODES.publish, OPCODES.send, OPCODES.broadcast]) {
      const message = { opcode, receiver: 's', transactionId: 't' }
      assert.equal(decoded({ ...message, requiresAck: true }).ref, 't')
      assert.equal(decoded({ ...message, requiresAck: false }).ref, undefined)
    }
  })

  test('of a request, a reply and every other opcode always is', () => {
    const transactionId = 't'
    for (const kind of ['request', 'reply'] as const) {
      assert.equal(decoded({ opcode: OPCODES.publish, kind, transactionId }).ref, 't')
    }
    for (const opcode of [OPCODES.ping, OPCODES.subscribe, OPCODES.history, OPCODES.ack, OPCODES.error, 200]) {
      assert.equal(decoded({ opcode, transactionId }).ref, 't')
    }
  })

  test('is what a ref is written as, with requires_ack where the opcode does not say it', () => {
    const ref = 'r'
    const acked = ({ transactionId, requiresAck }: FrameMessage) => [transactionId, requiresAck]
    assert.deepEqual(acked(written({ type: 'a', payload: '1', ref })), ['r', true])
    assert.deepEqual(acked(written({ type: 'a', payload: '1', ref, kind: 'reply' })), ['r', false])
    assert.deepEqual(acked(written({ type: 'ack', payload: '1', ref })), ['r', false])
    assert.deepEqual(acked(written({ type: 'a', payload: '1' })), [undefined, false])
  })

  test('must be there when an ack is required, and have at most 64 characters', () => {
    assert.match(refusal(referenceWrite([{ opcode: 6, requiresAck: true }])).message, /"requires_ack" needs/)
    const long = buildFrame({ opcode: 6, transactionId: 'é'.repeat(65) })
    assert.deepEqual([refusal(long).code, refusal(long).ref], ['invalid_frame', undefined])
    assert.equal(decoded({ opcode: 1, transactionId: 'é'.repeat(64) }).ref, 'é'.repeat(64))
  })
})

describe('a body', () => {
  test('that is absent or empty reads as {} if JSON, as no bytes if bytes', () => {
    assert.deepEqual(decoded({ opcode: 1 }).payload, {})
    assert.deepEqual(flatbuffers.decode(referenceWrite([{ opcode: 1, body: '' }]))[0]?.envelope?.payload, {})
    assert.deepEqual(decoded({ opcode: 1, body: new Uint8Array(0) }).payload, new Uint8Array(0))
  })

  test('that is no JSON, or no UTF-8, is refused', () => {
    assert.deepEqual(
      [refusal(buildFrame({ opcode: 1, body: '{', transactionId: 't' }))].map(({ code, ref }) => [code, ref]),
      [
        ['invalid_json', 't'],
      ],
    )
    const frame = buildFrame({ opcode: 1, body: '"ab"' })
    frame[frame.lastIndexOf(0x61)] = 0xff
    assert.equal(refusal(frame).code, 'invalid_frame')
  })

  test('of a small frame is its own bytes, of a large one a view of the frame', () => {
    const body = (length: number) => new Uint8Array(length).fill(7)
    for (const [length, isView] of [[100, false], [50_000, true]] as const) {
      const frame = buildFrame({ opcode: 200, body: body(length) })
      const payload = flatbuffers.decode(frame)[0]?.envelope?.payload as Uint8Array
      frame.fill(0)
      assert.deepEqual(payload, isView ? new Uint8Array(length) : body(length))
    }
  })

  test('is plain bytes whatever kind of bytes the frame is', () => {
    for (const length of [100, 50_000]) {
      const frame = buildFrame({ opcode: 200, body: new Uint8Array(length).fill(7) })
      class Bytes extends Uint8Array<ArrayBuffer> {}
      const odd = new Bytes(new ArrayBuffer(frame.length + 3), 3)
      odd.set(frame)
      assert.deepEqual(flatbuffers.decode(odd), flatbuffers.decode(frame))
    }
  })
})

describe('a trace', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  test('is 16 bytes and two spans, most significant digits first', () => {
    const frame = flatbuffers.encode([{ type: 'a', payload: '{}', traceparent, parentSpan: '00f067aa0ba902b7' }])
    const hex = [...frame as Uint8Array].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    assert.ok(hex.includes('100000000af7651916cd43dd8448eb211c80319c'))
    // A ulong is little-endian.
    assert.ok(hex.includes('31332069716badb7') && hex.includes('b702a90baa67f000'))
  })

  test('without a trace id, a span, or with a trace id of another length is none', () => {
    for (const length of [0, 15, 17]) {
      const frame = flatbuffers.encode([{ type: 'a', payload: '1', traceparent }]) as Uint8Array
      const at = frame.findLastIndex((byte, i) => byte === 16 && frame[i + 4] === 0x0a)
      frame[at] = length
      const padded = new Uint8Array(frame.length + 4)
      padded.set(frame)
      assert.deepEqual(flatbuffers.decode(padded), [{ envelope: { type: 'a', payload: 1 } }], `${length}`)
    }
    assert.deepEqual(decoded({ opcode: 6, type: 'a', parentSpan: '00f067aa0ba902b7' }), { type: 'a', payload: {} })
  })
})

test('a kind or body format of a newer protocol is refused in its own message', () => {
  const frame = flatbuffers.encode([{ type: 'a', ref: 'r', kind: 'reply', payload: new Uint8Array(1) }]) as Uint8Array
  const view = new DataView(frame.buffer)
  const table = 28 + view.getUint32(28, true)
  const vtable = table - view.getInt32(table, true)
  const field = (id: number) => table + view.getUint16(vtable + 4 + 2 * id, true)
  frame[field(4)] = 9
  assert.match(refusal(frame).message, /"body_format" 9/)
  frame[field(12)] = 3
  assert.match(refusal(frame).message, /"kind" must be 0 to 2, not 3/)
  assert.equal(refusal(frame).ref, 'r')
})

test('a text frame, and a frame of no or 513 messages, is refused', () => {
  assert.match(refusal('{"type":"a"}').message, /binary/)
  assert.match(refusal(referenceWrite([])).message, /1 to 512 messages, not 0/)
  const many = referenceWrite(Array.from({ length: 513 }, () => ({ opcode: 1 })))
  assert.match(refusal(many).message, /1 to 512 messages, not 513/)
})

test('a seq or timestamp that the schema cannot hold is left out', () => {
  for (const seq of [0, -1, NaN, Infinity, 2 ** 60]) {
    assert.deepEqual(flatbuffers.decode(flatbuffers.encode([{ type: 'a', payload: '1', seq, ts: seq }])), [
      { envelope: { type: 'a', payload: 1 } },
    ])
  }
})
