import type { CodecLoadCommands, Content } from '../codec_load.ts'
import type { Pair, Result, Row, Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LOAD = { publishers: 20, inFlight: 50, subscribers: 50, messages: 30_000 }
const ROUNDS = 5

/** The same messages over binary frames and over JSON, by the server's CPU. */
function binary(name: string, content: Content, what: string, atMost: number): Row {
  return {
    name,
    work: `${what} over FlatBuffers, durable, ${LOAD.subscribers} subscribers: CPU a publish`,
    against: 'the same over JSON',
    unit: 'µs',
    required: { atMost },
    measure: (scene) => compare(scene, content),
  }
}

export const binaryBytes: Row = binary('binary bytes', 'bytes', '1 KiB of bytes', 1)
export const binaryText: Row = binary('binary text', 'text', '100 B of text', 1.5)

async function compare(scene: Scene, content: Content): Promise<Result> {
  const load = scene.start<CodecLoadCommands>('codec_load.ts')
  const pairs: Pair[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const costs = { flatbuffers: 0, json: 0 }
    for (const codec of round % 2 === 0 ? ['flatbuffers', 'json'] as const : ['json', 'flatbuffers'] as const) {
      const server = scene.start<ServerCommands>('server.ts', { url: await scene.database(`${codec}-${round}`) })
      const port = await server.call('port')
      await load.call('run', { port, codec, content, ...LOAD, messages: LOAD.messages / 3 })
      const before = await server.call('usage')
      await load.call('run', { port, codec, content, ...LOAD })
      costs[codec] = ((await server.call('usage')).cpu - before.cpu) / LOAD.messages
      await server.stop()
    }
    scene.progress(`FlatBuffers ${costs.flatbuffers.toFixed(1)} µs, JSON ${costs.json.toFixed(1)} µs a publish`)
    // The first round warms the load up.
    if (round > 0) pairs.push({ product: costs.flatbuffers, limit: costs.json })
  }
  return { pairs }
}
