import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  encodeHead,
  Frame,
  FrameDecoder,
  FrameError,
  type FrameRules,
  FrameScanner,
  RotundaError,
} from '../../src/rfc6455/mod.ts'

const MASK = new Uint8Array([1, 2, 3, 4])
const LIMIT = 1_000
const fragment = (opcode: number): Frame => new Frame({ opcode, fin: false })

interface Violation {
  readonly name: string
  readonly wire: Uint8Array
  readonly says: RegExp
  readonly rules?: FrameRules
  readonly code?: number
}

/** What a strict decoder refuses, and one that is not reads. */
const STRICT: Violation[] = [
  { name: 'RSV1', wire: new Frame({ opcode: 1, rsv1: true }).encode(), says: /reserved bit/ },
  { name: 'RSV2', wire: new Frame({ opcode: 1, rsv2: true }).encode(), says: /reserved bit/ },
  { name: 'RSV3', wire: new Frame({ opcode: 9, rsv3: true }).encode(), says: /reserved bit/ },
  {
    name: 'RSV2 where RSV1 is allowed',
    wire: new Frame({ opcode: 1, rsv2: true }).encode(),
    says: /reserved bit/,
    rules: { rsv1: true },
  },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): Violation => {
    return { name: `opcode ${opcode}`, wire: new Frame({ opcode }).encode(), says: RegExp(`Opcode ${opcode} is res`) }
  }),
  ...[8, 9, 10].map((opcode): Violation => {
    return { name: `opcode ${opcode} in fragments`, wire: fragment(opcode).encode(), says: /fragmented/ }
  }),
  ...[8, 9, 10].map((opcode): Violation => {
    const wire = new Frame({ opcode, payload: new Uint8Array(126) }).encode()
    return { name: `opcode ${opcode} with 126 bytes`, wire, says: /more than 125 bytes/ }
  }),
  {
    name: 'a frame that is not masked, to a server',
    wire: Frame.text('a').encode(),
    says: /not masked/,
    rules: { role: 'server' },
  },
  {
    name: 'a masked frame, to a client',
    wire: Frame.text('a').mask(MASK).encode(),
    says: /of a server is masked/,
    rules: { role: 'client' },
  },
  { name: '125 in 16 bits', wire: binary(125).encode({ lengthBits: 16 }), says: /125 is written in 16 bits/ },
  { name: '0 in 64 bits', wire: binary(0).encode({ lengthBits: 64 }), says: /0 is written in 64 bits/ },
  { name: '126 in 64 bits', wire: binary(126).encode({ lengthBits: 64 }), says: /126 is written in 64 bits/ },
  {
    name: '65,535 in 64 bits',
    wire: binary(65_535).encode({ lengthBits: 64 }),
    says: /65535 is written in 64 bits/,
    rules: { maxFrameSize: 65_535 },
  },
]

/** What every decoder refuses. */
const ALWAYS: Violation[] = [
  {
    name: 'a 64-bit length whose first bit is set',
    wire: new Uint8Array([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 1]),
    says: /first bit of a 64-bit length/,
  },
  {
    name: 'the largest length there is',
    wire: new Uint8Array([0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
    says: /larger than 1000/,
    code: 1009,
  },
  { name: 'one byte more than allowed', wire: binary(LIMIT + 1).encode(), says: /1001 bytes is larger/, code: 1009 },
  {
    name: 'a promise of 4 GiB, by its head',
    wire: encodeHead({ opcode: 2, length: 2 ** 32 }),
    says: /4294967296 bytes is larger/,
    code: 1009,
  },
]

describe('a decoder refuses, with the code to close with,', () => {
  for (const { name, wire, says, rules, code = 1002 } of [...STRICT, ...ALWAYS]) {
    test(name, () => {
      const decoder = new FrameDecoder({ maxFrameSize: LIMIT, ...rules })
      const good = Frame.text('good', { maskKey: rules?.role === 'server' ? MASK : undefined })
      const { frames, error } = decoder.decode(Uint8Array.from([...good.encode(), ...wire, ...good.encode()]))
      assert.deepEqual(frames, [good], 'the frames before it are read, those after it are not')
      assert.ok(error instanceof FrameError && error instanceof RotundaError)
      assert.equal(error.closeCode, code)
      assert.equal(error.code, code === 1009 ? 'message_too_big' : 'invalid_frame')
      assert.match(error.message, says)
      assert.deepEqual(decoder.decode(good.encode()), { frames: [], error }, 'nothing is read after it')
    })
  }
})

describe('a decoder that is not strict reads', () => {
  for (const { name, wire, rules } of STRICT) {
    test(name, () => {
      const { frames, error } = new FrameDecoder({ maxFrameSize: LIMIT, ...rules, strict: false }).decode(wire)
      assert.equal(error, undefined)
      assert.equal(frames.length, 1)
    })
  }

  test('not what is refused always', () => {
    for (const { wire, code = 1002 } of ALWAYS) {
      const { error } = new FrameDecoder({ maxFrameSize: LIMIT, strict: false }).decode(wire)
      assert.equal(error?.closeCode, code)
    }
  })
})

describe('a decoder reads', () => {
  test('frames of exactly the limit', () => {
    assert.equal(new FrameDecoder({ maxFrameSize: LIMIT }).decode(binary(LIMIT).encode()).frames.length, 1)
    assert.equal(new FrameDecoder({ maxFrameSize: 0 }).decode(binary(0).encode()).frames.length, 1)
  })

  test('RSV1 where that was agreed on', () => {
    const frame = new Frame({ opcode: 1, rsv1: true })
    assert.deepEqual(new FrameDecoder({ rsv1: true }).decode(frame.encode()).frames, [frame])
  })

  test('both masked and unmasked frames, where its role is not said', () => {
    const frames = [Frame.text('a'), Frame.text('a').mask(MASK)]
    assert.deepEqual(frames.flatMap((frame) => new FrameDecoder().decode(frame.encode()).frames), frames)
  })

  test('copies: what is done to the chunk afterwards does not show', () => {
    const chunk = Frame.binary(new Uint8Array([1, 2, 3])).encode()
    const { frames } = new FrameDecoder().decode(chunk)
    chunk.fill(9)
    assert.deepEqual([...frames[0]!.payload], [1, 2, 3])
  })

  test('and knows whether a connection that ends was cut', () => {
    const decoder = new FrameDecoder()
    assert.equal(decoder.isBetweenFrames, true)
    for (const byte of Frame.text('a').encode()) {
      const { frames } = decoder.decode(new Uint8Array([byte]))
      assert.equal(decoder.isBetweenFrames, frames.length === 1)
    }
  })
})

describe('a scanner', () => {
  test('tells pieces of payloads in place, and where each belongs', () => {
    const seen: unknown[] = []
    const scanner = new FrameScanner((head, chunk, from, to, offset) => {
      seen.push([head.opcode, head.fin, head.length, [...chunk.subarray(from, to)], offset])
    })
    const wire = Uint8Array.from([...Frame.text('Hello', { fin: false }).encode(), ...Frame.ping().encode()])
    for (const chunk of [wire.subarray(0, 1), wire.subarray(1, 4), wire.subarray(4)]) {
      assert.equal(scanner.read(chunk), undefined)
    }
    const text = [1, false, 5]
    assert.deepEqual(seen, [[...text, [72, 101], 0], [...text, [108, 108, 111], 2], [9, true, 0, [], 0]])
  })

  test('lets through what its listener throws', () => {
    const scanner = new FrameScanner(() => {
      throw new Error('of the listener')
    })
    assert.throws(() => scanner.read(Frame.ping().encode()), /of the listener/)
  })
})

test('a limit that is none is refused', () => {
  for (const maxFrameSize of [-1, 0.5, NaN, Infinity, 268_435_457, '10' as unknown as number]) {
    const says = { name: 'RotundaError', code: 'invalid_config', message: /maxFrameSize/ }
    assert.throws(() => new FrameDecoder({ maxFrameSize }), says)
  }
  new FrameDecoder({ maxFrameSize: 268_435_456 })
})

function binary(length: number): Frame {
  return Frame.binary(new Uint8Array(length))
}
