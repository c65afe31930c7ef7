import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, test } from 'node:test'
import { Random } from '../conformance/random.ts'
import { fuzzConnections } from './connections.ts'
import { FRAMES, GROWTH, IS_LONG, SEED } from './extent.ts'

const SLOW = { timeout: 3_600_000 }

describe(`WebSocket frames, ${FRAMES} of them, seed ${SEED}`, SLOW, () => {
  test('are read or refused when they are nearly right: nothing throws, hangs or grows', SLOW, () => {
    const start = performance.now()
    const { connections, messages, refused, slowest, growth } = fuzzConnections(FRAMES, new Random(SEED))
    assert.ok(growth < GROWTH, `grew by ${growth} bytes`)
    // Connections that all end at their first byte would prove nothing.
    assert.ok(messages > FRAMES / 10, `${messages} messages of ${FRAMES} frames`)
    assert.ok(refused > connections / 10 && refused < connections, `${refused} of ${connections} were refused`)
    if (!IS_LONG) return
    const seconds = ((performance.now() - start) / 1_000).toFixed(1)
    const megabytes = (process.memoryUsage().rss / 1024 / 1024).toFixed(0)
    console.log(
      `WebSocket: ${FRAMES} frames in ${seconds} s, ${connections} connections, ${messages} messages, ${refused} ` +
        `refusals, slowest ${slowest.toFixed(1)} ms, ${megabytes} MiB, grew by ${
          (growth / 1024 / 1024).toFixed(0)
        } MiB`,
    )
  })
})
