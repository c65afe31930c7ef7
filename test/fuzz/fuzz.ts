import assert from 'node:assert/strict'
import { type Codec, type Decoded, type Envelope, type Frame, MAX_BATCH, MAX_REF } from '../../src/protocol/mod.ts'
import { anyEnvelope, received } from '../conformance/envelopes.ts'
import type { Random } from '../conformance/random.ts'
import { mutateBytes, mutateText, randomBytes, randomText } from './mutate.ts'
import { cpuOf, used } from './usage.ts'

/** What a run found out. */
export interface Findings {
  readonly frames: number
  readonly envelopes: number
  readonly refused: number
  /** Milliseconds that the slowest frame took. */
  readonly slowest: number
  /** Bytes by which what is in use grew in the second half. */
  readonly growth: number
}

/** No frame here is longer than a hub takes; one that needs so many milliseconds is a way to keep it busy. */
const SLOW = 100
/** Valid frames that others are made of; made anew after so many. */
const CORPUS = 200
const RENEWED = 20_000
const LONGEST = 65_536

const ERRORS = /^(?:invalid_frame|invalid_json|unknown_type)$/
const TEXTS = ['room', 'ref', 'key', 'kind', 'id', 'from', 'to', 'traceparent', 'parentSpan', 'token'] as const

/** Decodes frames that are nearly right, and some that are not at all. Fails at the first that does what none may. */
export function fuzzDecode(codec: Codec, frames: number, random: Random): Findings {
  let corpus: Frame[] = []
  let envelopes = 0
  let refused = 0
  let slowest = 0
  let halfway = 0
  for (let i = 0; i < frames; i++) {
    if (i % RENEWED === 0) corpus = Array.from({ length: CORPUS }, () => validFrame(codec, random))
    if (i === Math.floor(frames / 2)) halfway = used()
    const frame = hostileFrame(corpus, random)
    const start = performance.now()
    const decoded = codec.decode(frame)
    const took = performance.now() - start
    // The machine may have been busy with something else, or collecting garbage.
    const least = took < SLOW / 10 ? took : Math.min(...[1, 2, 3].map(() => cpuOf(() => codec.decode(frame))))
    slowest = Math.max(slowest, least)
    assert.ok(slowest <= SLOW, `${slowest} ms for frame ${i}`)
    checkDecoded(decoded, i)
    for (const { envelope } of decoded) envelope === undefined ? refused++ : envelopes++
    if (i % 20 === 0) checkAgain(codec, decoded, i)
  }
  return { frames, envelopes, refused, slowest, growth: used() - halfway }
}

/** Encodes random envelopes and finds in the frame what was put into it. */
export function fuzzRoundTrip(codec: Codec, envelopes: number, random: Random): void {
  for (let done = 0; done < envelopes;) {
    const batch = Array.from({ length: random.chance(0.5) ? 1 : random.whole(2, 30) }, () => anyEnvelope(random))
    assert.deepEqual(codec.decode(codec.encode(batch)), batch.map((envelope) => ({ envelope: received(envelope) })))
    done += batch.length
  }
}

function validFrame(codec: Codec, random: Random): Frame {
  const length = random.pick([1, 1, 1, 2, 5, 50])
  const frame = codec.encode(Array.from({ length }, () => anyEnvelope(random)))
  return frame.length <= LONGEST ? frame : validFrame(codec, random)
}

function hostileFrame(corpus: Frame[], random: Random): Frame {
  const [frame, other] = [random.pick(corpus), random.pick(corpus)]
  const isRandom = random.chance(0.05)
  if (typeof frame === 'string') return isRandom ? randomText(random) : mutateText(frame, other as string, random)
  return isRandom ? randomBytes(frame, random) : mutateBytes(frame, other as Uint8Array, random)
}

function checkDecoded(decoded: Decoded[], i: number): void {
  assert.ok(decoded.length >= 1 && decoded.length <= MAX_BATCH, `${decoded.length} envelopes in frame ${i}`)
  for (const one of decoded) {
    if (one.envelope !== undefined) checkEnvelope(one.envelope, i)
    else {
      assert.match(one.error.code, ERRORS, `frame ${i}`)
      assert.ok(one.error.message.length < 500, `frame ${i}: ${one.error.message.length}`)
      assert.ok(one.ref === undefined || one.ref.length <= MAX_REF, `frame ${i}`)
    }
  }
}

function checkEnvelope(envelope: Envelope, i: number): void {
  assert.ok(typeof envelope.type === 'string' && envelope.type !== '' && envelope.payload !== undefined, `frame ${i}`)
  for (const field of TEXTS) {
    assert.ok(['string', 'undefined'].includes(typeof envelope[field]), `${field} in frame ${i}`)
  }
  for (const field of ['seq', 'ts'] as const) assert.ok(['number', 'undefined'].includes(typeof envelope[field]), field)
  assert.ok((envelope.ref ?? '').length <= MAX_REF, `frame ${i}`)
}

/** What was read from a damaged frame is an envelope like any other: sent on, it arrives. */
function checkAgain(codec: Codec, decoded: Decoded[], i: number): void {
  for (const { envelope } of decoded) {
    if (envelope === undefined) continue
    // JSON reads numbers that it cannot write.
    if (!Number.isFinite(envelope.seq ?? 1) || !Number.isFinite(envelope.ts ?? 1)) continue
    const payload = envelope.payload instanceof Uint8Array ? envelope.payload : JSON.stringify(envelope.payload)
    const [again] = codec.decode(codec.encode([{ ...envelope, payload }]))
    assert.deepEqual(again?.envelope, received({ ...envelope, payload }), `frame ${i}`)
  }
}
