import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { jsonCodec } from '../../src/protocol/mod.ts'
import { Random } from '../conformance/random.ts'
import { FRAMES, GROWTH, IS_LONG, SEED } from './extent.ts'
import { fuzzDecode, fuzzRoundTrip } from './fuzz.ts'

for (const codec of [jsonCodec, flatbuffers]) {
  describe(`the codec ${codec.name}, ${FRAMES} frames, seed ${SEED}`, { timeout: 3_600_000 }, () => {
    test('reads or refuses what is nearly a frame: it never throws, hangs or grows', { timeout: 3_600_000 }, () => {
      const start = performance.now()
      const { envelopes, refused, slowest, growth } = fuzzDecode(codec, FRAMES, new Random(SEED))
      assert.ok(growth < GROWTH, `grew by ${growth} bytes`)
      // Frames that all are refused at their first byte would prove nothing.
      assert.ok(envelopes > FRAMES / 10 && refused > FRAMES / 10, `${envelopes} envelopes, ${refused} refused`)
      if (!IS_LONG) return
      const seconds = ((performance.now() - start) / 1_000).toFixed(1)
      const megabytes = (process.memoryUsage().rss / 1024 / 1024).toFixed(0)
      console.log(
        `${codec.name}: ${FRAMES} frames in ${seconds} s, ${envelopes} envelopes, ${refused} refusals, slowest ` +
          `${slowest.toFixed(1)} ms, ${megabytes} MiB, grew by ${(growth / 1024 / 1024).toFixed(0)} MiB`,
      )
    })

    test('gives back every envelope that it was given', { timeout: 3_600_000 }, () => {
      fuzzRoundTrip(codec, FRAMES / 5, new Random(SEED))
    })
  })
}
