import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { closePayload, Frame, FrameError, MessageAssembler, readClosePayload } from '../../src/rfc6455/mod.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What an assembler makes of frames, one after the other. */
function assembled(...frames: Frame[]): unknown[] {
  const assembler = new MessageAssembler({ maxMessageSize: 10 })
  return frames.map((frame) => {
    const received = assembler.add(frame)
    return received?.type === 'error' ? [received.error.closeCode, received.error.message] : received
  })
}

describe('messages', () => {
  test('of one frame', () => {
    assert.deepEqual(assembled(Frame.text('a€'), Frame.text(''), Frame.binary(utf8('a')), Frame.text('\ufeffa')), [
      { type: 'text', text: 'a€' },
      { type: 'text', text: '' },
      { type: 'binary', bytes: utf8('a') },
      { type: 'text', text: '\ufeffa' },
    ])
  })

  test('of fragments, as in RFC 6455 §5.7, with control frames between them', () => {
    const frames = [
      Frame.text('Hel', { fin: false }),
      Frame.ping('1'),
      Frame.continuation('', { fin: false }),
      Frame.pong('2'),
      Frame.continuation('lo'),
      Frame.binary(new Uint8Array([1]), { fin: false }),
      Frame.continuation(new Uint8Array()),
    ]
    assert.deepEqual(assembled(...frames), [
      undefined,
      { type: 'ping', bytes: utf8('1') },
      undefined,
      { type: 'pong', bytes: utf8('2') },
      { type: 'text', text: 'Hello' },
      undefined,
      { type: 'binary', bytes: new Uint8Array([1]) },
    ])
  })

  test('whose characters are cut by fragments', () => {
    const bytes = utf8('€\u{1f680}')
    const frames = [...bytes].map((byte, i) => {
      const fields = { opcode: i === 0 ? 1 : 0, fin: i === bytes.length - 1 }
      return new Frame({ ...fields, payload: new Uint8Array([byte]) })
    })
    assert.deepEqual(assembled(...frames).at(-1), { type: 'text', text: '€\u{1f680}' })
  })

  test('whose text is not UTF-8: 1007', () => {
    const wrong = [[0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xff]]
    for (const bytes of wrong) {
      const payload = new Uint8Array(bytes)
      assert.deepEqual(assembled(new Frame({ opcode: 1, payload })), [[1007, 'A text message is not UTF-8.']])
      const fragments = assembled(Frame.text('', { fin: false }), Frame.continuation(payload))
      assert.deepEqual(fragments, [undefined, [1007, 'A text message is not UTF-8.']])
      assert.deepEqual(assembled(Frame.binary(payload)), [{ type: 'binary', bytes: payload }])
    }
  })

  test('larger than allowed: 1009, in one frame or over many; of exactly the limit they pass', () => {
    assert.deepEqual(assembled(Frame.text('0123456789')), [{ type: 'text', text: '0123456789' }])
    const tooBig = [1009, 'A message is larger than 10 bytes.']
    assert.deepEqual(assembled(Frame.text('0123456789a')), [tooBig])
    const first = Frame.text('012345678', { fin: false })
    assert.deepEqual(assembled(first, Frame.continuation('9')), [undefined, { type: 'text', text: '0123456789' }])
    assert.deepEqual(assembled(first, Frame.continuation('9a', { fin: false })), [undefined, tooBig])
  })

  test('out of order: 1002', () => {
    const begun = Frame.text('a', { fin: false })
    assert.deepEqual(assembled(Frame.continuation('a')), [[1002, 'A fragment continues no message.']])
    assert.deepEqual(assembled(begun, Frame.continuation('b'), Frame.continuation('c')).at(-1), [
      1002,
      'A fragment continues no message.',
    ])
    assert.deepEqual(assembled(begun, Frame.binary(utf8('b'))).at(-1), [
      1002,
      'A message (opcode 2) begins within another.',
    ])
  })

  test('of frames that a decoder would have refused: 1002', () => {
    const wrong = [
      new Frame({ opcode: 1, rsv1: true }),
      new Frame({ opcode: 3 }),
      new Frame({ opcode: 9, fin: false }),
      new Frame({ opcode: 9, payload: 'x'.repeat(126) }),
    ]
    for (const frame of wrong) assert.equal((assembled(frame)[0] as [number, string])[0], 1002)
  })

  test('end with an error, which is told again, or with a close, after which nothing counts', () => {
    const failed = assembled(Frame.continuation('a'), Frame.text('b'))
    assert.deepEqual(failed[1], failed[0])
    const closed = assembled(Frame.text('a', { fin: false }), Frame.close(1001, 'bye'), Frame.continuation('b'))
    assert.deepEqual(closed, [undefined, { type: 'close', code: 1001, reason: 'bye' }, undefined])
  })

  test('are held no longer than they must be', () => {
    const assembler = new MessageAssembler()
    assembler.add(Frame.text('abc', { fin: false }))
    assembler.add(Frame.continuation('de', { fin: false }))
    assert.ok(assembler.heldBytes >= 5)
    assembler.add(Frame.close())
    assert.equal(assembler.heldBytes, 0)
  })

  test('have a limit, and one that is none is refused', () => {
    assert.throws(() => new MessageAssembler({ maxMessageSize: -1 }), {
      name: 'RotundaError',
      code: 'invalid_config',
      message: /maxMessageSize/,
    })
  })
})

describe('a close frame', () => {
  test('says what it was given', () => {
    assert.deepEqual(readClosePayload(closePayload()), { code: 1005, reason: '' })
    for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) {
      assert.deepEqual(readClosePayload(closePayload(code, '€')), { code, reason: '€' })
    }
  })

  test('has a reason of at most 123 bytes', () => {
    assert.equal(closePayload(1000, 'x'.repeat(123)).length, 125)
    assert.throws(() => closePayload(1000, 'x'.repeat(124)), {
      code: 'invalid_frame',
      message: /124 bytes; at most 123/,
    })
  })

  test('with one byte, a code that may not be sent, or a reason that is not UTF-8 is an error', () => {
    const wrong: [bytes: number[], closeCode: number][] = [
      [[3], 1002],
      [[12], 1002],
      ...[0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535].map((code): [number[], number] => {
        return [[code >> 8, code & 255], 1002]
      }),
      [[3, 232, 0xc3, 0x28], 1007],
    ]
    for (const [bytes, closeCode] of wrong) {
      const status = readClosePayload(new Uint8Array(bytes))
      assert.ok(status instanceof FrameError, String(bytes))
      assert.equal(status.closeCode, closeCode)
      const received = new MessageAssembler().add(new Frame({ opcode: 8, payload: new Uint8Array(bytes) }))
      assert.ok(received?.type === 'error')
      assert.equal(received.error.closeCode, closeCode)
    }
  })
})
