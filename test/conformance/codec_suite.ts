import assert from 'node:assert/strict'
import test from 'node:test'
import { type Codec, type EncodedEnvelope, type Envelope, type Frame, MAX_BATCH } from '../../src/protocol/mod.ts'
import { anyEnvelope, received } from './envelopes.ts'
import { Random } from './random.ts'

const FULL: EncodedEnvelope = {
  type: 'chat.message',
  room: 'áfrica 🌍',
  id: '00000000000000000002',
  seq: 2,
  kind: 'reply',
  ts: 1_790_000_000_000,
  from: '4b1f2c3d',
  ref: '5',
  key: 'p1:1',
  to: '77aa',
  token: 'e30.e30.c2ln',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  parentSpan: '00f067aa0ba902b7',
  payload: '{"text":"Hello!"}',
}

/** Takes bytes or characters away, or puts others in their place. */
function damage(frame: Frame, random: Random): Frame {
  const at = random.whole(0, frame.length)
  const isCut = random.chance(0.3)
  if (typeof frame === 'string') {
    return isCut ? frame.slice(0, at) : frame.slice(0, at) + random.text(3) + frame.slice(at + random.whole(0, 3))
  }
  if (isCut) return frame.slice(0, at)
  const damaged = frame.slice()
  for (let flips = random.whole(1, 4); flips > 0; flips--) {
    const place = random.whole(0, frame.length - 1)
    damaged[place] = damaged[place]! ^ (1 << random.whole(0, 7))
  }
  return damaged
}

/**
 * Registers tests (`node:test`) that check a {@link Codec}: what is sent is what arrives, and what a hostile sender
 * makes up is refused, never thrown at. Runs under `bun test` and `deno test`.
 *
 * @param name put in front of every test's name
 * @param codec the same object for hub and client
 *
 * @example
 * ```ts
 * codecConformance('flatbuffers', flatbuffers)
 * ```
 */
export function codecConformance(name: string, codec: Codec): void {
  const promise = (what: string, body: () => void) => test(`${name}: ${what}`, { timeout: 60_000 }, body)

  const read = (frame: Frame): Envelope[] => {
    return codec.decode(frame).map(({ envelope, error }) => envelope ?? assert.fail(error))
  }
  const arrives = (...batch: EncodedEnvelope[]) => assert.deepEqual(read(codec.encode(batch)), batch.map(received))
  const refusal = (frame: Frame) => {
    const [first] = codec.decode(frame)
    assert.ok(first?.error !== undefined, 'accepted')
    return { code: first.error.code, ref: first.ref }
  }

  promise('has a name, and a subprotocol that a header can carry', () => {
    assert.match(codec.name, /^[\w-]+$/)
    assert.match(codec.subprotocol, /^[\w.-]+$/)
  })

  promise('every field arrives, each without the others and all together', () => {
    arrives(FULL)
    const { type, payload, parentSpan: _, ...rest } = FULL
    arrives({ type, payload })
    for (const [field, value] of Object.entries(rest)) arrives({ type, payload, [field]: value })
  })

  promise('any text arrives in every field that is text', () => {
    for (const text of ['', '"', '\\', '\n\u0000\u2028', '\ufeffbom', 'é🌍', '__proto__', '{"a":1}']) {
      for (const field of ['room', 'id', 'from', 'ref', 'key', 'to', 'token']) {
        arrives({ type: 'a', payload: '1', [field]: text })
      }
    }
  })

  promise("rotunda's own types, an application's, and those of opcodes arrive", () => {
    const own = ['session.welcome', 'session.ping', 'room.join', 'room.history', 'presence.set', 'ack', 'error']
    for (const type of [...own, 'message', 'chat.message', 'opcode.200', 'opcode.65535', 'room.unheard-of', 'é']) {
      arrives({ type, payload: '{}' })
      arrives({ ...FULL, type, kind: 'request' })
    }
  })

  promise('any JSON value arrives', () => {
    const values = [null, true, 0, -1.5, 1e308, '', ' ', '"\\/\n\u0000\u2028é🌍\ud800', [], {}, [[[]]], {
      '': { a: [1] },
    }]
    for (const value of values) arrives({ type: 'a', payload: JSON.stringify(value) })
    arrives({ type: 'a', payload: ' { "spaced" : 1 } ' })
    arrives({ type: 'a', payload: JSON.stringify('long and wide: é🌍'.repeat(20_000)) })
  })

  promise('bytes arrive as bytes, none of them included', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    for (const payload of [new Uint8Array(0), Uint8Array.of(0), all, new Uint8Array(100_000).fill(255)]) {
      arrives({ type: 'a', payload })
      arrives({ type: 'a', payload }, { type: 'b', payload: '{}' }, { type: 'c', payload })
    }
    const [envelope] = read(codec.encode([{ type: 'a', payload: all.subarray(100, 110) }]))
    assert.ok(envelope?.payload instanceof Uint8Array)
    assert.deepEqual([...envelope.payload], [100, 101, 102, 103, 104, 105, 106, 107, 108, 109])
  })

  promise(`a batch of up to ${MAX_BATCH} arrives in order; a longer one is refused`, () => {
    const batch = (length: number) => Array.from({ length }, (_, i) => ({ ...FULL, ref: `r${i}`, payload: `${i}` }))
    for (const length of [2, 50, MAX_BATCH]) arrives(...batch(length))
    assert.equal(refusal(codec.encode(batch(MAX_BATCH + 1))).code, 'invalid_frame')
  })

  promise('a frame is its own: neither what is encoded later nor its source changes it', () => {
    const payload = Uint8Array.of(1, 2, 3)
    const batch = [FULL, { type: 'a', payload }]
    const first = codec.encode(batch)
    const copy = first.slice()
    payload[0] = 9
    codec.encode([{ type: 'z'.repeat(10_000), payload: JSON.stringify('z'.repeat(100_000)) }])
    for (let i = 0; i < 10; i++) codec.encode([{ ...FULL, room: `other ${i}`, payload: new Uint8Array(50).fill(0xff) }])
    assert.deepEqual(first, copy)
    payload[0] = 1
    assert.deepEqual(codec.encode(batch), copy, 'a frame depends on what was encoded before')
  })

  promise('what was decoded stays as it is when other frames come', () => {
    const [kept] = read(codec.encode([{ ...FULL, payload: Uint8Array.of(1, 2, 3) }]))
    for (let i = 0; i < 10; i++) {
      read(codec.encode([{ ...FULL, room: `other ${i}`, payload: new Uint8Array(50).fill(7) }]))
    }
    assert.deepEqual(kept, received({ ...FULL, payload: Uint8Array.of(1, 2, 3) }))
  })

  promise('a ref has at most 64 characters', () => {
    arrives({ type: 'a', ref: 'é'.repeat(64), payload: '{}' })
    assert.equal(refusal(codec.encode([{ type: 'a', ref: 'x'.repeat(65), payload: '{}' }])).code, 'invalid_frame')
  })

  promise('a key __proto__ in a payload, escaped or not, refuses its own envelope only', () => {
    for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__']) {
      for (const payload of [`{"${key}":{"polluted":1}}`, `[[{"deep":[{"${key}":1}]}]]`]) {
        const decoded = codec.decode(codec.encode([FULL, { ...FULL, ref: 'r', payload }]))
        assert.deepEqual(decoded.map(({ error }) => error?.code), [undefined, 'invalid_frame'])
        assert.equal((decoded[1] as { ref?: string }).ref, 'r')
      }
    }
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
    arrives({ type: 'a', payload: '"__proto__"' })
  })

  promise('what is no trace is left out, the rest arrives', () => {
    const { traceparent: _, parentSpan: __, ...plain } = FULL
    for (
      const traceparent of [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`]
    ) {
      assert.deepEqual(read(codec.encode([{ ...FULL, traceparent }])), [received(plain)])
    }
  })

  promise('a payload that is not JSON is refused, and so is a frame of the other kind', () => {
    for (const payload of ['{', 'undefined', '{}{}', '\ufeff{}']) {
      assert.match(refusal(codec.encode([{ ...FULL, payload }])).code, /^invalid_(?:json|frame)$/, payload)
    }
    const frame = codec.encode([FULL])
    const other = typeof frame === 'string' ? new TextEncoder().encode(frame) : new TextDecoder('latin1').decode(frame)
    assert.equal(refusal(other).code, 'invalid_frame')
    assert.equal(refusal(typeof frame === 'string' ? new Uint8Array(0) : '').code, 'invalid_frame')
  })

  promise('nesting as deep as a frame is long is either read or refused', () => {
    for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"__proto__":', '}]']]) {
      const nested = open!.repeat(30_000) + '1' + close!.repeat(30_000)
      for (const payload of [nested, open!.repeat(30_000)]) {
        const [first] = codec.decode(codec.encode([{ type: 'a', payload }]))
        assert.ok(first?.envelope !== undefined || first?.error?.code.startsWith('invalid_'))
      }
    }
  })

  promise('a frame cut anywhere is refused', () => {
    const frame = codec.encode([FULL, { ...FULL, payload: Uint8Array.of(1, 2, 3) }])
    // The longest first: what it lacks may still stand where the one before was read.
    for (let length = frame.length - 1; length >= 0; length--) {
      const decoded = codec.decode(frame.slice(0, length))
      assert.deepEqual(decoded.map(({ envelope }) => envelope), [undefined], `cut after ${length}`)
    }
  })

  /** A failure names its seed; `ROTUNDA_SEED` runs it again. */
  const seed = Number(globalThis.process?.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

  promise(`5,000 random envelopes arrive as they were, seed ${seed}`, () => {
    const random = new Random(seed)
    for (let done = 0; done < 5_000;) {
      const batch = Array.from({ length: random.chance(0.5) ? 1 : random.whole(2, 40) }, () => anyEnvelope(random))
      assert.deepEqual(read(codec.encode(batch)), batch.map(received), `seed ${seed}, after ${done}`)
      done += batch.length
    }
  })

  promise(`10,000 frames damaged at random are read or refused, never thrown at, seed ${seed}`, () => {
    const random = new Random(seed)
    for (let i = 0; i < 10_000; i++) {
      const frame = damage(codec.encode([anyEnvelope(random), anyEnvelope(random)]), random)
      const decoded = codec.decode(frame)
      assert.ok(decoded.length >= 1 && decoded.length <= MAX_BATCH)
      for (const { envelope, error } of decoded) {
        const code = error?.code ?? 'none'
        assert.ok(envelope !== undefined || /^(?:invalid_\w+|unknown_type)$/.test(code), `seed ${seed}, frame ${i}`)
      }
    }
  })
}
