import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, test } from 'node:test'
import {
  type Decoded,
  type EncodedEnvelope,
  type Envelope,
  type Frame,
  jsonCodec,
  MAX_BATCH,
} from '../../src/protocol/mod.ts'
import { printedFrames } from '../support/document.ts'
import { Random } from '../support/random.ts'

/** The single answer to a frame that must be refused. */
function refusal(frame: Frame): { code: string; message: string; ref: string | undefined } {
  const decoded: Decoded[] = jsonCodec.decode(frame)
  assert.equal(decoded.length, 1)
  const [only] = decoded
  assert.ok(only?.error !== undefined, `accepted: ${String(frame).slice(0, 100)}`)
  return { code: only.error.code, message: only.error.message, ref: only.ref }
}

function accepted(frame: string): Envelope[] {
  return jsonCodec.decode(frame).map(({ envelope, error }) => envelope ?? assert.fail(error?.message))
}

const encoded = (envelope: Envelope): EncodedEnvelope => {
  const { payload } = envelope
  return { ...envelope, payload: payload instanceof Uint8Array ? payload : JSON.stringify(payload) }
}

describe('literal frames', () => {
  test('an envelope is written with its fields in a fixed order, the payload copied as it is', () => {
    const frame = jsonCodec.encode([{
      type: 'chat.message',
      room: 'africa',
      id: '00000000000000000002',
      seq: 2,
      kind: 'event',
      ts: 1_790_000_000_000,
      from: 's',
      ref: '5',
      key: 'p1:1',
      payload: '{ "text" : "as it is" }',
    }])
    assert.equal(
      frame,
      '{"type":"chat.message","room":"africa","id":"00000000000000000002","seq":2,"kind":"event",' +
        '"ts":1790000000000,"from":"s","ref":"5","key":"p1:1","payload":{ "text" : "as it is" }}',
    )
  })

  test('one envelope is an object, several are an array', () => {
    const one: EncodedEnvelope = { type: 'a', payload: '1' }
    assert.equal(jsonCodec.encode([one]), '{"type":"a","payload":1}')
    assert.equal(jsonCodec.encode([one, one]), '[{"type":"a","payload":1},{"type":"a","payload":1}]')
  })

  test('names that need escaping are escaped', () => {
    const frame = jsonCodec.encode([{ type: 'a', room: 'q"\\\n\u2028é', payload: '{}' }]) as string
    assert.equal(JSON.parse(frame).room, 'q"\\\n\u2028é')
  })

  test('every frame that the wire document prints is read and written back as it was', () => {
    for (const { envelope } of printedFrames()) {
      const [read] = accepted(JSON.stringify(envelope))
      const { encoding, ...plain } = envelope
      if (encoding === undefined) assert.deepEqual(read, envelope)
      else assert.deepEqual(read, { ...plain, payload: Uint8Array.from(atob(String(plain['payload'])), byteOf) })
      assert.deepEqual(JSON.parse(jsonCodec.encode([encoded(read!)]) as string), envelope)
    }
  })

  test('bytes of every value and length stay bytes, on runtimes with and without their own base64', () => {
    const own = [Uint8Array.prototype.toBase64, Uint8Array.fromBase64] as const
    for (const hasOwn of [true, false]) {
      if (!hasOwn) Object.assign(Uint8Array.prototype, { toBase64: undefined })
      if (!hasOwn) Object.assign(Uint8Array, { fromBase64: undefined })
      try {
        for (const length of [0, 1, 2, 3, 255, 8_192, 8_193, 30_000]) {
          const payload = Uint8Array.from({ length }, (_, i) => i * 7)
          const frame = jsonCodec.encode([{ type: 'a', payload }]) as string
          assert.equal(JSON.parse(frame).payload, Buffer.from(payload).toString('base64'))
          assert.deepEqual(accepted(frame), [{ type: 'a', payload }])
        }
      } finally {
        Object.assign(Uint8Array.prototype, { toBase64: own[0] })
        Object.assign(Uint8Array, { fromBase64: own[1] })
      }
    }
  })

  test('unknown fields are ignored, a missing payload reads as {}, a numeric ref as text', () => {
    assert.deepEqual(accepted('{"type":"a","color":"red","ref":7}'), [{ type: 'a', payload: {}, ref: '7' }])
    assert.deepEqual(accepted('{"type":"a","payload":null}'), [{ type: 'a', payload: null }])
  })

  test('a batch is read in order, a wrong envelope in it refused alone', () => {
    const decoded = jsonCodec.decode('[{"type":"a"},{"type":1,"ref":"x"},{"type":"b"}]')
    assert.deepEqual(decoded.map(({ envelope }) => envelope?.type), ['a', undefined, 'b'])
    assert.equal(decoded[1]?.error?.code, 'invalid_frame')
    assert.equal((decoded[1] as { ref?: string }).ref, 'x')
  })
})

const byteOf = (character: string) => character.charCodeAt(0)

describe('hostile frames are refused and never throw', () => {
  test('what is not JSON: invalid_json', () => {
    const frames = [
      '',
      ' ',
      '{',
      '{"type":"a"',
      "{'type':'a'}",
      'undefined',
      'NaN',
      '{"type":"a"}x',
      '{"type":"a",}',
      '\u0000',
    ]
    for (const frame of frames) assert.equal(refusal(frame).code, 'invalid_json', JSON.stringify(frame))
  })

  test('a byte order mark is not JSON', () => {
    assert.equal(refusal('\ufeff{"type":"a"}').code, 'invalid_json')
  })

  test('a refusal is short, however long the frame', () => {
    assert.ok(refusal('x'.repeat(60_000)).message.length < 200)
  })

  test('JSON that is no envelope: invalid_frame', () => {
    for (
      const frame of ['null', 'true', '1', '"a"', '1e999', '{}', '{"payload":{}}', '[[]]', '[[{"type":"a"}]]', '[null]']
    ) {
      assert.equal(refusal(frame).code, 'invalid_frame', frame)
    }
  })

  test('bytes: invalid_frame', () => {
    assert.equal(refusal(new TextEncoder().encode('{"type":"a"}')).code, 'invalid_frame')
  })

  test('a batch of none or 513: invalid_frame; one of 512 is read', () => {
    assert.equal(refusal('[]').code, 'invalid_frame')
    const batch = (length: number) => `[${Array(length).fill('{"type":"a"}').join()}]`
    assert.match(refusal(batch(MAX_BATCH + 1)).message, /1 to 512 envelopes, not 513/)
    assert.equal(accepted(batch(MAX_BATCH)).length, MAX_BATCH)
  })

  test('a nested batch is no envelope', () => {
    const decoded = jsonCodec.decode('[{"type":"a"},[{"type":"b"}]]')
    assert.deepEqual(decoded.map(({ error }) => error?.code), [undefined, 'invalid_frame'])
  })

  test('every field of a wrong type is named, and the ref kept', () => {
    const wrongs: Record<string, unknown[]> = {
      type: [1, null, true, {}, [], '', undefined],
      room: [1, null, true, {}, []],
      key: [1, null, true, {}, []],
      kind: [1, null, true, {}, []],
      id: [1, null, true, {}, []],
      seq: ['1', null, true, {}, []],
      ts: ['1', null, true, {}, []],
      from: [1, null, true, {}, []],
    }
    for (const [field, values] of Object.entries(wrongs)) {
      for (const value of values) {
        const frame = JSON.stringify({ type: 'a', ref: 'r', [field]: value })
        const { code, message, ref } = refusal(frame)
        assert.deepEqual({ code, ref }, { code: 'invalid_frame', ref: 'r' }, frame)
        assert.ok(message.includes(`"${field}" must be`), `${frame}: ${message}`)
      }
    }
    for (const ref of [null, true, {}, [], 'x'.repeat(65)]) {
      assert.match(refusal(JSON.stringify({ type: 'a', ref })).message, /"ref" must be/)
    }
    assert.equal(accepted(JSON.stringify({ type: 'a', ref: 'x'.repeat(64) }))[0]?.ref?.length, 64)
  })

  test('a key __proto__ at any depth, escaped or not, is refused and pollutes nothing', () => {
    const keys = [
      '__proto__',
      '\\u005f_proto__',
      '__pr\\u006fto__',
      '\\u005F\\u005F\\u0070\\u0072\\u006F\\u0074\\u006F__',
      '\\u005f\\u005fproto\\u005f\\u005f',
    ]
    for (const key of keys) {
      const frames = [
        `{"type":"a","ref":"r","${key}":{"room":"x"}}`,
        `{"type":"a","ref":"r","payload":{"${key}":{"polluted":1}}}`,
        `{"type":"a","ref":"r","payload":[[{"deep":[{"${key}":1}]}]]}`,
      ]
      for (const frame of frames) {
        const { code, message, ref } = refusal(frame)
        assert.deepEqual({ code, ref }, { code: 'invalid_frame', ref: 'r' }, frame)
        assert.match(message, /__proto__/)
      }
    }
    assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false)
  })

  test('in a batch a key __proto__ refuses its own envelope only', () => {
    const decoded = jsonCodec.decode('[{"type":"a"},{"type":"b","payload":{"__proto__":1}}]')
    assert.deepEqual(decoded.map(({ error }) => error?.code), [undefined, 'invalid_frame'])
  })

  test('the text __proto__ as a value is just text', () => {
    assert.deepEqual(accepted('{"type":"a","payload":"__proto__"}')[0]?.payload, '__proto__')
    assert.deepEqual(accepted('{"type":"a","room":"__proto__"}')[0]?.room, '__proto__')
    assert.deepEqual(accepted('{"type":"a","payload":{"constructor":{"prototype":1}}}').length, 1)
  })

  test('nesting of 30,000 levels is either read or refused', () => {
    for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['[{"__proto__":', '}]']]) {
      const nested = open!.repeat(30_000) + '1' + close!.repeat(30_000)
      for (const frame of [nested, `{"type":"a","payload":${nested}}`, open!.repeat(30_000)]) {
        const [first] = jsonCodec.decode(frame)
        assert.ok(first?.envelope !== undefined || ['invalid_json', 'invalid_frame'].includes(first?.error?.code ?? ''))
      }
    }
  })

  test('huge numbers are numbers', () => {
    const [envelope] = accepted(`{"type":"a","seq":1e999,"ts":-1e400,"payload":${'9'.repeat(10_000)},"ref":1e21}`)
    assert.deepEqual(envelope, { type: 'a', seq: Infinity, ts: -Infinity, payload: Infinity, ref: '1e+21' })
    assert.equal(refusal(`{"type":"a","ref":${'"' + '9'.repeat(65) + '"'}}`).code, 'invalid_frame')
  })
})

/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
const seed = Number(globalThis.process?.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

describe(`properties, seed ${seed}`, () => {
  const random = new Random(seed)

  function anyEnvelope(): Envelope {
    const maybe = <K extends string, V>(name: K, value: () => V): Partial<Record<K, V>> => {
      return random.chance(0.5) ? { [name]: value() } as Record<K, V> : {}
    }
    return {
      type: random.text(20) || 'a',
      ...maybe('room', () => random.text(40)),
      ...maybe('id', () => String(random.whole(0, 999_999)).padStart(20, '0')),
      ...maybe('seq', () => random.whole(0, Number.MAX_SAFE_INTEGER - 1)),
      ...maybe('kind', () => random.pick(['event', 'reply', random.text(5)])),
      ...maybe('ts', () => random.whole(0, 8_640_000_000_000_000)),
      ...maybe('from', () => random.text(20)),
      ...maybe('ref', () => random.text(32)),
      ...maybe('key', () => random.text(40)),
      payload: random.json(4),
    }
  }

  test('20,000 random envelopes come back as they were, alone and in batches', { timeout: 60_000 }, () => {
    for (let done = 0; done < 20_000;) {
      const batch = Array.from({ length: random.chance(0.5) ? 1 : random.whole(2, 40) }, anyEnvelope)
      const frame = jsonCodec.encode(batch.map(encoded)) as string
      assert.deepEqual(jsonCodec.decode(frame), batch.map((envelope) => ({ envelope })), `seed ${seed}, after ${done}`)
      done += batch.length
    }
  })

  test('20,000 frames damaged at random are read or refused, never thrown at', { timeout: 60_000 }, () => {
    for (let i = 0; i < 20_000; i++) {
      const frame = jsonCodec.encode([encoded(anyEnvelope())]) as string
      const at = random.whole(0, frame.length)
      const damaged = frame.slice(0, at) + random.text(3) + frame.slice(at + random.whole(0, 3))
      for (const { envelope, error } of jsonCodec.decode(damaged)) {
        const code = error?.code ?? 'none'
        assert.ok(envelope !== undefined || code.startsWith('invalid_'), `seed ${seed}: ${JSON.stringify(damaged)}`)
      }
    }
  })
})
