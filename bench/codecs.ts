/**
 * What a message costs in each codec, in nanoseconds of one thread: `bun bench/codecs.ts`. JSON is measured from and to
 * the UTF-8 bytes that a socket takes, since the runtime does that work for it.
 */
import { flatbuffers } from '../adapters/flatbuffers/mod.ts'
import { type Codec, type EncodedEnvelope, jsonCodec, type Payload } from '../src/protocol/mod.ts'

const ROUNDS = 40
const ROUND_MS = 8

const encoder = new TextEncoder()
// Not a fatal one, which Deno is three times as long about: the runtime is not either.
const decoder = new TextDecoder()
const scratch = new Uint8Array(4 * 1024 * 1024)

const text = (seq: number): string =>
  JSON.stringify({ user: 'Gaspard', text: `${seq} ${'hello '.repeat(20)}`.slice(0, 72) })
const bytes = (length: number) => (seq: number): Uint8Array => new Uint8Array(length).fill(seq)

/** A delivered message of the log, as fan-out sends it. */
function delivered(payload: (seq: number) => Payload, seq: number): EncodedEnvelope {
  return {
    type: 'chat.message',
    room: 'africa',
    id: String(seq).padStart(20, '0'),
    seq,
    ts: 1_790_000_000_000 + seq,
    from: '4b1f2c3d-8a7b-4c6d-9e0f-112233445566',
    payload: payload(seq),
  }
}

/** A publish as a client sends it. */
function published(payload: (seq: number) => Payload, seq: number): EncodedEnvelope {
  return { type: 'chat.message', room: 'africa', ref: String(seq), key: `3141592653:${seq}`, payload: payload(seq) }
}

/** Nanoseconds of one call: the least of many short rounds, since others use the machine, too. */
function time(work: () => void): number {
  let calls = 1
  const round = () => {
    const start = performance.now()
    for (let i = 0; i < calls; i++) work()
    return performance.now() - start
  }
  for (let took = round(); took < ROUND_MS; took = round()) {
    calls = Math.ceil(calls * Math.min(10, 1.2 * ROUND_MS / took))
  }
  return Math.min(...Array.from({ length: ROUNDS }, round)) * 1e6 / calls
}

function measure(codec: Codec, batch: EncodedEnvelope[]): { encode: number; decode: number; bytes: number } {
  const frame = codec.encode(batch)
  const wire = typeof frame === 'string' ? encoder.encode(frame) : frame
  const encode = time(() => {
    const made = codec.encode(batch)
    if (typeof made === 'string') encoder.encodeInto(made, scratch)
  })
  const decode = time(() => {
    const decoded = codec.decode(typeof frame === 'string' ? decoder.decode(wire) : wire)
    if (decoded.length !== batch.length) throw new Error(decoded[0]?.error?.message ?? 'lost')
  })
  return { encode: encode / batch.length, decode: decode / batch.length, bytes: wire.length / batch.length }
}

console.log('message          batch | encode ns: json  fbs ratio | decode ns: json  fbs ratio | bytes: json  fbs')
for (const [shape, make] of Object.entries({ delivered, published })) {
  for (
    const [name, payload] of Object.entries({ '100 B text': text, '1 KB bytes': bytes(1_024), '16 KB': bytes(16_384) })
  ) {
    for (const size of [1, 50, 512]) {
      if (name === '16 KB' && size > 50) continue
      const batch = Array.from({ length: size }, (_, i) => make(payload, i + 1))
      const json = measure(jsonCodec, batch)
      const binary = measure(flatbuffers, batch)
      const cells = [
        `${shape.slice(0, 6)} ${name}`.padEnd(17),
        String(size).padStart(4),
        ' |           ',
        ...pair(json.encode, binary.encode),
        ' |           ',
        ...pair(json.decode, binary.decode),
        ' |     ',
        json.bytes.toFixed(0).padStart(6),
        binary.bytes.toFixed(0).padStart(6),
      ]
      console.log(cells.join(''))
    }
  }
}

function pair(json: number, binary: number): string[] {
  return [json.toFixed(0).padStart(6), binary.toFixed(0).padStart(6), (binary / json).toFixed(2).padStart(6)]
}
