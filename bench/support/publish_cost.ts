import type { CodecLoadCommands } from '../codec_load.ts'
import type { Pair, Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LOAD = { codec: 'json', content: 'text', publishers: 20, inFlight: 50, messages: 40_000 } as const
const ROUNDS = 5

/** A server to be compared. */
export interface Candidate {
  readonly name: string
  /** Relative to `bench/`. */
  readonly file: string
  readonly options?: object
}

/** CPU that durable publishes to so many subscribers cost, in microseconds each, each time with a new server and database. */
export async function comparePublishCost(
  scene: Scene,
  subscribers: number,
  product: Candidate,
  limit: Candidate,
): Promise<Pair[]> {
  const load = scene.start<CodecLoadCommands>('codec_load.ts')
  const pairs: Pair[] = []

  const costOf = async ({ name, file, options }: Candidate, round: number) => {
    const url = await scene.database(`${name}-${round}`)
    const server = scene.start<ServerCommands>(file, { url, ...options })
    const port = await server.call('port')
    await load.call('run', { port, subscribers, ...LOAD, messages: LOAD.messages / 4 })
    const before = await server.call('usage')
    await load.call('run', { port, subscribers, ...LOAD })
    const cost = ((await server.call('usage')).cpu - before.cpu) / LOAD.messages
    await server.stop()
    scene.progress(`${name}: ${cost.toFixed(1)} µs a publish`)
    return cost
  }

  for (let round = 0; round <= ROUNDS; round++) {
    const costs = new Map<Candidate, number>()
    const inTurn = round % 2 === 0 ? [product, limit] : [limit, product]
    for (const candidate of inTurn) costs.set(candidate, await costOf(candidate, round))
    // The first round warms the load up.
    if (round > 0) pairs.push({ product: costs.get(product)!, limit: costs.get(limit)! })
  }
  return pairs
}
