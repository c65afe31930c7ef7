import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import { describe, test } from 'node:test'
import {
  encodeHead,
  Frame,
  FrameDecoder,
  FrameError,
  type FrameRules,
  MessageAssembler,
  type Received,
} from '../../src/rfc6455/mod.ts'
import { Random } from '../conformance/random.ts'

const environment = globalThis.process?.env
/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
const seed = Number(environment['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)
const FRAMES = Number(environment['ROTUNDA_FUZZ_FRAMES'] ?? 50_000)
/** By the number of frames, for who asks for millions. */
const SLOW = { timeout: 60_000 + FRAMES }
const LARGEST = 70_000
const EDGES = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128]
const LARGE_EDGES = [65_534, 65_535, 65_536, 65_537, LARGEST]

describe(`properties over ${FRAMES} frames, seed ${seed}`, () => {
  const random = new Random(seed)

  function anyBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = random.whole(0, 255)
    return bytes
  }

  function anyLength(): number {
    const kind = random.whole(0, 999)
    if (kind < 4) return random.pick(LARGE_EDGES)
    if (kind < 300) return random.pick(EDGES)
    return kind < 310 ? random.whole(129, 5_000) : random.whole(0, 200)
  }

  /** Any frame that can be written. */
  function anyFrame(): Frame {
    const maybe = () => random.chance(0.2)
    return new Frame({
      opcode: random.whole(0, 15),
      fin: !maybe(),
      rsv1: maybe(),
      rsv2: maybe(),
      rsv3: maybe(),
      payload: anyBytes(anyLength()),
      maskKey: random.chance(0.5) ? anyBytes(4) : undefined,
    })
  }

  /** One that RFC 6455 allows, whatever came before it. */
  function goodFrame(maskKey: Uint8Array | undefined): Frame {
    const isControl = random.chance(0.2)
    return new Frame({
      opcode: isControl ? random.pick([8, 9, 10]) : random.whole(0, 2),
      fin: isControl || random.chance(0.7),
      payload: anyBytes(isControl ? random.whole(0, 125) : anyLength()),
      maskKey,
    })
  }

  const someFrames = (make: () => Frame): Frame[] => Array.from({ length: random.whole(1, 30) }, make)

  /** What a decoder makes of bytes that come in pieces no larger than this; 0: in one. */
  function decoded(wire: Uint8Array, rules: FrameRules, most: number): Outcome {
    const decoder = new FrameDecoder(rules)
    const frames: Frame[] = []
    let error: FrameError | undefined
    for (let at = 0, size = 0; at < wire.length; at += size) {
      size = most === 0 ? wire.length : random.whole(most === 1 ? 1 : 0, most)
      const step = decoder.decode(wire.subarray(at, at + size))
      for (const frame of step.frames) frames.push(frame)
      error = step.error
      assert.ok(decoder.heldBytes <= Math.min(rules.maxFrameSize ?? Infinity, 2 * (at + size)))
    }
    return { frames, error, isBetweenFrames: decoder.isBetweenFrames }
  }

  test('every frame comes back as it was, each of its fields', SLOW, () => {
    for (let done = 0; done < FRAMES;) {
      const frames = someFrames(anyFrame)
      const outcome = decoded(joined(frames), { strict: false }, 0)
      assertSame(outcome, { frames, error: undefined, isBetweenFrames: true }, `seed ${seed}, after ${done}`)
      done += frames.length
    }
  })

  test('whatever way the bytes are split, the frames are the same', SLOW, () => {
    for (let done = 0; done < FRAMES;) {
      const role = random.pick(['server', 'client'] as const)
      const frames = someFrames(() => goodFrame(role === 'server' ? anyBytes(4) : undefined))
      const wire = joined(frames)
      const whole = { frames, error: undefined, isBetweenFrames: true }
      const most = wire.length < 5_000 ? random.pick([1, 2, 3, 20]) : random.pick([100, 5_000, 70_000])
      assertSame(decoded(wire, { role }, most), whole, `seed ${seed}, after ${done}, split by ${most}`)
      done += frames.length
    }
  })

  test('hostile bytes are read or refused alike however split; what is read is what was written', SLOW, () => {
    for (let done = 0; done < FRAMES;) {
      const rules: FrameRules = {
        role: random.pick(['server', 'client', undefined]),
        strict: random.chance(0.7),
        rsv1: random.chance(0.2),
        maxFrameSize: random.pick([0, 125, 300, LARGEST]),
      }
      const frames = someFrames(() => goodFrame(rules.role === 'server' ? anyBytes(4) : undefined))
      const wire = damaged(joined(frames))
      const place = `seed ${seed}, after ${done}`
      const outcome = decoded(wire, rules, 0)
      assertSame(decoded(wire, rules, random.pick([1, 7, 1_000])), outcome, place)
      const { frames: read, error } = outcome
      for (const { payload } of read) assert.ok(payload.length <= rules.maxFrameSize!, place)
      assert.ok(error === undefined || (error instanceof FrameError && [1002, 1009].includes(error.closeCode)), place)
      // A strict decoder reads nothing that could have been written in another way.
      if (rules.strict) assert.deepEqual(joined(read), wire.subarray(0, joined(read).length), place)
      checkMessages(read, place)
      done += frames.length
    }
  })

  test('messages come back as they were, in whatever fragments', SLOW, () => {
    for (let done = 0; done < FRAMES;) {
      const text = random.text(60).toWellFormed()
      const bytes = random.chance(0.5) ? new TextEncoder().encode(text) : anyBytes(random.whole(0, 60))
      const opcode = random.whole(1, 2)
      const assembler = new MessageAssembler({ maxMessageSize: bytes.length })
      const cuts = Array.from({ length: random.whole(0, 5) }, () => random.whole(0, bytes.length)).sort((a, b) => a - b)
      const ends = [...cuts, bytes.length]
      let received: Received | undefined
      for (const [i, end] of ends.entries()) {
        assert.equal(received, undefined)
        const payload = bytes.subarray(ends[i - 1] ?? 0, end)
        received = assembler.add(new Frame({ opcode: i === 0 ? opcode : 0, fin: i === ends.length - 1, payload }))
      }
      const place = `seed ${seed}, after ${done}`
      if (opcode === 2) assert.deepEqual(received, { type: 'binary', bytes }, place)
      else if (isUtf8(bytes)) {
        assert.ok(received?.type === 'text', place)
        assert.deepEqual(new TextEncoder().encode(received.text), bytes, place)
      } else assert.ok(received?.type === 'error' && received.error.closeCode === 1007, place)
      done += ends.length
    }
  })

  function damaged(wire: Uint8Array): Uint8Array {
    if (random.chance(0.2)) return anyBytes(random.whole(1, 200))
    for (let flips = random.whole(0, 4); flips > 0; flips--) {
      // Near the beginning, where a flip changes how all that follows is read, or anywhere.
      const at = random.chance(0.5) ? random.whole(0, Math.min(20, wire.length - 1)) : random.whole(0, wire.length - 1)
      wire[at]! ^= 1 << random.whole(0, 7)
    }
    return wire.subarray(0, random.chance(0.3) ? random.whole(1, wire.length) : wire.length)
  }

  function checkMessages(frames: readonly Frame[], place: string): void {
    const maxMessageSize = random.pick([0, 100, 1_000_000])
    const assembler = new MessageAssembler({ maxMessageSize })
    let last: Received | undefined
    let arrived = 0
    for (const frame of frames) {
      const received = assembler.add(frame)
      arrived += frame.payload.length
      assert.ok(assembler.heldBytes <= Math.min(maxMessageSize, 2 * arrived), place)
      if (last?.type === 'error') assert.equal(received, last, place)
      if (last?.type === 'close') assert.equal(received, undefined, place)
      else last = received
      if (received?.type === 'text') assert.ok(received.text.isWellFormed(), place)
      if (received?.type === 'binary') assert.ok(received.bytes.length <= maxMessageSize, place)
      if (received?.type === 'error') assert.ok(received.error instanceof FrameError, place)
    }
  }
})

test('a head that promises 256 MiB takes no memory before they come, nor twice what comes', () => {
  const maxFrameSize = 268_435_456
  const decoder = new FrameDecoder({ maxFrameSize })
  decoder.decode(encodeHead({ opcode: 2, length: maxFrameSize }))
  assert.equal(decoder.heldBytes, 0)
  for (let arrived = 1; arrived < 5_000; arrived++) {
    assert.deepEqual(decoder.decode(new Uint8Array(1)), { frames: [], error: undefined })
    assert.ok(decoder.heldBytes >= arrived && decoder.heldBytes <= 2 * arrived, `${decoder.heldBytes} for ${arrived}`)
  }
})

test('a message of empty fragments without end takes no memory', () => {
  const assembler = new MessageAssembler()
  assembler.add(Frame.text('', { fin: false }))
  const empty = Frame.continuation('', { fin: false })
  for (let i = 0; i < 100_000; i++) assert.equal(assembler.add(empty), undefined)
  assert.equal(assembler.heldBytes, 0)
})

interface Outcome {
  readonly frames: readonly Frame[]
  readonly error: FrameError | undefined
  readonly isBetweenFrames: boolean
}

function joined(frames: readonly Frame[]): Uint8Array {
  const parts = frames.map((frame) => frame.encode())
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** As deepEqual would, which takes a second for a few thousand frames. */
function assertSame(actual: Outcome, expected: Outcome, place: string): void {
  assert.equal(actual.frames.length, expected.frames.length, place)
  for (const [i, a] of actual.frames.entries()) {
    const b = expected.frames[i]!
    const isSame = a.fin === b.fin && a.rsv1 === b.rsv1 && a.rsv2 === b.rsv2 && a.rsv3 === b.rsv3 &&
      a.opcode === b.opcode && sameBytes(a.payload, b.payload) && sameBytes(a.maskKey, b.maskKey)
    if (!isSame) assert.deepEqual(a, b, place)
  }
  assert.equal(actual.error?.message, expected.error?.message, place)
  assert.equal(actual.isBetweenFrames, expected.isBetweenFrames, place)
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
