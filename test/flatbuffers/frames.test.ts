import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  buildBroadcast,
  buildEmpty,
  buildFrame,
  buildPublish,
  buildSend,
  flatbuffers,
  readFrame,
} from '../../adapters/flatbuffers/mod.ts'
import { OPCODES, RotundaError } from '../../src/protocol/mod.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const options = { transactionId: '1', requiresAck: true, token: 'e30', traceparent, parentSpan: '00f067aa0ba902b7' }

/** The one envelope that a hub finds in a frame. */
const envelopeOf = (frame: Uint8Array) => flatbuffers.decode(frame).map(({ envelope, error }) => envelope ?? error)

function refused(code: string, build: () => unknown): void {
  assert.throws(build, (error) => error instanceof RotundaError && error.code === code)
}

describe('a tool', () => {
  test('publishes to a room, with everything or with nothing besides', () => {
    assert.deepEqual(envelopeOf(buildPublish('africa', { text: 'Hello!' })), [
      { type: 'message', room: 'africa', payload: { text: 'Hello!' } },
    ])
    const { transactionId: ref, requiresAck: _, ...rest } = options
    assert.deepEqual(
      envelopeOf(buildPublish('africa', Uint8Array.of(1, 2), { ...options, type: 'chat.file', key: 'k' })),
      [
        { type: 'chat.file', room: 'africa', ref, key: 'k', ...rest, payload: Uint8Array.of(1, 2) },
      ],
    )
  })

  test('sends to a session and to everybody', () => {
    assert.deepEqual(
      envelopeOf(buildSend('s2', 's1', [1], { type: 'chat.whisper', transactionId: '1', requiresAck: true })),
      [
        { type: 'chat.whisper', to: 's2', from: 's1', ref: '1', payload: [1] },
      ],
    )
    assert.deepEqual(envelopeOf(buildSend('s2', undefined, null)), [{ type: 'message', to: 's2', payload: null }])
    assert.deepEqual(envelopeOf(buildBroadcast('hi', { type: 'news' })), [{ type: 'news', to: '*', payload: 'hi' }])
  })

  test('sends what an opcode alone says', () => {
    assert.deepEqual(envelopeOf(buildEmpty(OPCODES.ping, { transactionId: '1' })), [
      { type: 'session.ping', ref: '1', payload: {} },
    ])
    assert.deepEqual(envelopeOf(buildEmpty(OPCODES.subscribe, { room: 'africa' })), [
      { type: 'room.join', room: 'africa', payload: {} },
    ])
    assert.deepEqual(envelopeOf(buildEmpty(250)), [{ type: 'opcode.250', payload: {} }])
  })

  test('reads what it builds', () => {
    const all = {
      opcode: 6,
      kind: 'reply' as const,
      room: 'africa',
      type: 'chat.stats',
      body: '[1]',
      id: '00000000000000000002',
      seq: 2,
      timestamp: 1_790_000_000_000,
      emitter: 's1',
      receiver: 's2',
      key: 'k',
      ...options,
    }
    assert.deepEqual(readFrame(buildFrame(all, { opcode: 1 })), [all, { opcode: 1, kind: 'event', requiresAck: false }])
  })

  test('is told what cannot be said', () => {
    refused('invalid_payload', () => buildPublish('africa', undefined))
    refused('invalid_payload', () => buildPublish('africa', 1n))
    refused('invalid_frame', () => buildPublish('africa', {}, { requiresAck: true }))
    refused('invalid_frame', () => buildPublish('africa', {}, { traceparent: 'x' }))
    refused('invalid_frame', () => buildPublish('africa', {}, { traceparent, parentSpan: 'x' }))
    for (const opcode of [0, -1, 1.5, 65_536, NaN]) refused('invalid_frame', () => buildEmpty(opcode))
    refused('invalid_frame', () => buildFrame())
    refused('invalid_frame', () => buildFrame(...Array.from({ length: 513 }, () => ({ opcode: 1 }))))
    refused('invalid_frame', () => readFrame(new Uint8Array(3)))
  })
})
