import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyMask, encodeHead, Frame, FRAME_OPCODE, FrameDecoder, randomMaskKey } from '../../src/rfc6455/mod.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16))
const hex = (from: Uint8Array): string => [...from].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
const MASK = bytes('37 fa 21 3d')

/** RFC 6455 §5.7, to the byte. */
const EXAMPLES: [name: string, wire: Uint8Array, frame: Frame][] = [
  ['an unmasked text message', bytes('81 05 48 65 6c 6c 6f'), Frame.text('Hello')],
  ['a masked text message', bytes('81 85 37 fa 21 3d 7f 9f 4d 51 58'), Frame.text('Hello', { maskKey: MASK })],
  ['a first fragment', bytes('01 03 48 65 6c'), Frame.text('Hel', { fin: false })],
  ['a last fragment', bytes('80 02 6c 6f'), Frame.continuation('lo')],
  ['an unmasked ping', bytes('89 05 48 65 6c 6c 6f'), Frame.ping('Hello')],
  ['a masked pong', bytes('8a 85 37 fa 21 3d 7f 9f 4d 51 58'), Frame.pong('Hello', { maskKey: MASK })],
  ['256 bytes', join(bytes('82 7e 01 00'), new Uint8Array(256)), Frame.binary(new Uint8Array(256))],
  [
    '65,536 bytes',
    join(bytes('82 7f 00 00 00 00 00 01 00 00'), new Uint8Array(65_536)),
    Frame.binary(new Uint8Array(65_536)),
  ],
]

/** What §5.2, §5.4 and §5.5 say beyond the examples. */
const OTHERS: [name: string, wire: Uint8Array, frame: Frame][] = [
  ['nothing', bytes('82 00'), Frame.binary(new Uint8Array())],
  ['nothing, masked', bytes('81 80 37 fa 21 3d'), Frame.text('', { maskKey: MASK })],
  ['a fragment in the middle', bytes('00 01 6c'), Frame.continuation('l', { fin: false })],
  ['a ping without payload', bytes('89 00'), Frame.ping()],
  ['a close without code', bytes('88 00'), Frame.close()],
  ['a close with a code', bytes('88 02 03 e8'), Frame.close(1000)],
  ['a close with a reason', bytes('88 05 0f a0 e2 82 ac'), Frame.close(4000, '€')],
  [
    'a masked close',
    bytes('88 82 37 fa 21 3d 34 12'),
    Frame.close(1000, '', { maskKey: MASK }),
  ],
  ['125 bytes', join(bytes('82 7d'), new Uint8Array(125)), Frame.binary(new Uint8Array(125))],
  ['126 bytes', join(bytes('82 7e 00 7e'), new Uint8Array(126)), Frame.binary(new Uint8Array(126))],
  ['65,535 bytes', join(bytes('82 7e ff ff'), new Uint8Array(65_535)), Frame.binary(new Uint8Array(65_535))],
  ['every reserved bit', bytes('f2 00'), new Frame({ opcode: 2, rsv1: true, rsv2: true, rsv3: true })],
  ['RSV1 alone', bytes('c1 00'), new Frame({ opcode: 1, rsv1: true })],
  ['RSV2 alone', bytes('a1 00'), new Frame({ opcode: 1, rsv2: true })],
  ['RSV3 alone', bytes('91 00'), new Frame({ opcode: 1, rsv3: true })],
  ['a reserved opcode', bytes('8f 01 78'), new Frame({ opcode: 15, payload: 'x' })],
]

for (const [title, examples] of [['RFC 6455 §5.7', EXAMPLES], ['the rest of §5', OTHERS]] as const) {
  describe(title, () => {
    for (const [name, wire, frame] of examples) {
      test(`${name} is written and read to the byte`, () => {
        assert.equal(hex(frame.encode()), hex(wire))
        const { frames, error } = new FrameDecoder({ strict: false }).decode(wire)
        assert.equal(error, undefined)
        assert.deepEqual(frames, [frame])
      })
    }
  })
}

describe('a frame', () => {
  test('has the opcodes of the RFC', () => {
    assert.deepEqual(FRAME_OPCODE, { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 })
  })

  test('is masked by a key, which changes nothing else in it', () => {
    const plain = new Frame({ opcode: 2, fin: false, rsv2: true, payload: new Uint8Array([1, 2, 3, 4, 5]) })
    const masked = plain.mask(MASK)
    assert.deepEqual([plain.masked, masked.masked], [false, true])
    assert.deepEqual({ ...masked, maskKey: undefined }, { ...plain })
    masked.encode()
    assert.deepEqual([...plain.payload], [1, 2, 3, 4, 5], 'encoding masked the payload itself')
    assert.equal(plain.mask().maskKey?.length, 4)
    assert.notDeepEqual(randomMaskKey(), randomMaskKey())
  })

  test('is masked in pieces as in one', () => {
    const whole = Uint8Array.from({ length: 23 }, (_, i) => i * 11)
    const pieces = whole.slice()
    applyMask(whole, MASK)
    for (let at = 0; at < 23; at += 5) applyMask(pieces.subarray(at, at + 5), MASK, at)
    assert.deepEqual(pieces, whole)
  })

  test('of a view into a larger buffer has the view alone', () => {
    const view = new Uint8Array([9, 1, 2, 9]).subarray(1, 3)
    assert.equal(hex(Frame.binary(view).encode()), '82 02 01 02')
  })

  test('can have a length in more bits than it needs, and never in fewer', () => {
    assert.equal(hex(Frame.text('a').encode({ lengthBits: 16 })), '81 7e 00 01 61')
    assert.equal(hex(Frame.text('a').encode({ lengthBits: 64 })), '81 7f 00 00 00 00 00 00 00 01 61')
    assert.equal(hex(Frame.text('a').mask(MASK).encode({ lengthBits: 16 })), '81 fe 00 01 37 fa 21 3d 56')
    for (const [length, lengthBits] of [[126, 7], [65_536, 7], [65_536, 16]] as const) {
      const wrong = () => Frame.binary(new Uint8Array(length)).encode({ lengthBits })
      assert.throws(wrong, { name: 'RotundaError', code: 'invalid_frame', message: /does not fit/ })
    }
  })

  test('can have a head that promises what never comes', () => {
    const head = { opcode: 1, length: 2 ** 31 - 1, maskKey: MASK }
    assert.equal(hex(encodeHead(head)), '81 ff 00 00 00 00 7f ff ff ff 37 fa 21 3d')
    assert.equal(hex(encodeHead({ opcode: 0, length: 2 ** 53 - 1, fin: false })), '00 7f 00 1f ff ff ff ff ff ff')
    assert.equal(hex(encodeHead({ opcode: 9, length: 5, rsv1: true }, { lengthBits: 16 })), 'c9 7e 00 05')
  })

  test('that cannot be written is refused by name', () => {
    const wrong: [what: () => unknown, message: RegExp][] = [
      [() => new Frame({ opcode: 16 }), /Opcode "16" is not a whole number from 0 to 15/],
      [() => new Frame({ opcode: -1 }), /"-1"/],
      [() => new Frame({ opcode: 1.5 }), /"1.5"/],
      [() => new Frame({ opcode: 1, maskKey: new Uint8Array(3) }), /4 bytes, not 3/],
      [() => encodeHead({ opcode: 16, length: 0 }), /Opcode/],
      [() => encodeHead({ opcode: 1, length: -1 }), /from 0, not "-1"/],
      [() => encodeHead({ opcode: 1, length: 2 ** 53 }), /length/],
      [() => Frame.ping('x'.repeat(126)), /at most 125 bytes, not 126/],
      [() => Frame.pong(new Uint8Array(126)), /at most 125 bytes, not 126/],
      [() => Frame.close(1000, '€'.repeat(42)), /126 bytes; at most 123/],
      [() => Frame.close(undefined, 'because'), /needs a close code/],
      ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5].map((code): [() => unknown, RegExp] => {
        return [() => Frame.close(code), new RegExp(`"${code}" may not be sent`)]
      }),
    ]
    for (const [what, message] of wrong) {
      assert.throws(what, { name: 'RotundaError', code: 'invalid_frame', message }, String(what))
    }
    assert.equal(Frame.ping('x'.repeat(125)).payload.length, 125)
    assert.equal(Frame.close(4999, 'x'.repeat(123)).payload.length, 125)
  })

  test('replaces halves of surrogate pairs, which UTF-8 does not have', () => {
    assert.equal(hex(Frame.text('\ud800').encode()), '81 03 ef bf bd')
  })
})

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
