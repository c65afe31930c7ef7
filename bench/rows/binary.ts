import type { PublishLoad } from '../codec_load.ts'
import type { Row } from '../row.ts'
import { comparePublishCost } from '../support/publish_cost.ts'

const STORED = { publishers: 20, inFlight: 50, subscribers: 50, messages: 20_000 } as const
/** In bursts, so that as many messages share a frame over JSON, which the load itself is slower to read. */
const PASSED_ON = { publishers: 1, inFlight: 20, inBursts: true, subscribers: 100, messages: 8_000 } as const

/** The same messages over binary frames and over JSON. */
function binary(name: string, what: string, atMost: number, load: PublishLoad): Row {
  return {
    name,
    work: `${what} over FlatBuffers, ${load.subscribers} subscribers: CPU a publish`,
    against: 'the same over JSON',
    unit: 'µs',
    required: { atMost },
    async measure(scene) {
      const product = { name: 'FlatBuffers', codec: 'flatbuffers' } as const
      return { pairs: await comparePublishCost(scene, load, product, { name: 'JSON', codec: 'json' }) }
    },
  }
}

export const binaryBytes: Row = binary('binary bytes', '1 KiB of bytes, durable,', 1, { ...STORED, content: 'bytes' })

export const binaryText: Row = binary('binary text', '100 B of text, durable,', 1.5, { ...STORED, content: 'text' })

export const binaryFanout: Row = binary('binary fan-out', '1 KiB of bytes, ephemeral,', 1, {
  ...PASSED_ON,
  content: 'ephemeral bytes',
})
