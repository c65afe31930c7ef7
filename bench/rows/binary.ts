import type { CodecLoadCommands, Content } from '../codec_load.ts'
import type { Pair, Result, Row, Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const ROUNDS = 5
// What differs little is measured more often.
const FANOUT_ROUNDS = 11
const STORED = { publishers: 20, inFlight: 50, inBursts: false, subscribers: 50, messages: 30_000 }
/** In bursts, so that as many messages share a frame over JSON, which the load itself is slower to read. */
const PASSED_ON = { publishers: 1, inFlight: 20, inBursts: true, subscribers: 100, messages: 3_000 }

/** How much is sent of what; the server's CPU is told by this many. */
interface Work {
  readonly load: typeof STORED
  readonly content: Content
  readonly per: number
  readonly rounds: number
}

/** The same messages over binary frames and over JSON, by the server's CPU. */
function binary(name: string, work: string, atMost: number, how: Work): Row {
  return {
    name,
    work,
    against: 'the same over JSON',
    unit: 'µs',
    required: { atMost },
    measure: (scene) => compare(scene, how),
  }
}

export const binaryBytes: Row = binary(
  'binary bytes',
  `1 KiB of bytes over FlatBuffers, durable, ${STORED.subscribers} subscribers: CPU a publish`,
  1,
  { load: STORED, content: 'bytes', per: STORED.messages, rounds: ROUNDS },
)

export const binaryText: Row = binary(
  'binary text',
  `100 B of text over FlatBuffers, durable, ${STORED.subscribers} subscribers: CPU a publish`,
  1.5,
  { load: STORED, content: 'text', per: STORED.messages, rounds: ROUNDS },
)

export const binaryFanout: Row = binary(
  'binary fan-out',
  `1 KiB of bytes over FlatBuffers, ephemeral, ${PASSED_ON.subscribers} subscribers: CPU a delivery`,
  1,
  {
    load: PASSED_ON,
    content: 'ephemeral bytes',
    per: PASSED_ON.messages * PASSED_ON.subscribers,
    rounds: FANOUT_ROUNDS,
  },
)

async function compare(scene: Scene, { load: work, content, per, rounds }: Work): Promise<Result> {
  const load = scene.start<CodecLoadCommands>('codec_load.ts')
  const pairs: Pair[] = []
  for (let round = 0; round <= rounds; round++) {
    const costs = { flatbuffers: 0, json: 0 }
    for (const codec of round % 2 === 0 ? ['flatbuffers', 'json'] as const : ['json', 'flatbuffers'] as const) {
      const server = scene.start<ServerCommands>('server.ts', { url: await scene.database(`${codec}-${round}`) })
      const port = await server.call('port')
      await load.call('run', { port, codec, content, ...work, messages: work.messages / 3 })
      const before = await server.call('usage')
      await load.call('run', { port, codec, content, ...work })
      costs[codec] = ((await server.call('usage')).cpu - before.cpu) / per
      await server.stop()
    }
    scene.progress(`FlatBuffers ${costs.flatbuffers.toFixed(2)} µs, JSON ${costs.json.toFixed(2)} µs`)
    // The first round warms the load up.
    if (round > 0) pairs.push({ product: costs.flatbuffers, limit: costs.json })
  }
  return { pairs }
}
