import type { CodecLoadCommands } from '../codec_load.ts'
import type { Pair, Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LOAD = { codec: 'json', content: 'text', publishers: 20, inFlight: 50, messages: 60_000 } as const
const ROUNDS = 7

/** A server to be compared. */
export interface Candidate {
  readonly name: string
  /** Relative to `bench/`. */
  readonly file: string
  readonly options?: object
}

/**
 * CPU that durable publishes to so many subscribers cost, in microseconds each: the least of some runs, each with a new
 * server and database. Whatever else a machine does adds to a run, and more than what is looked for here.
 */
export async function comparePublishCost(
  scene: Scene,
  subscribers: number,
  product: Candidate,
  limit: Candidate,
): Promise<Pair[]> {
  const load = scene.start<CodecLoadCommands>('codec_load.ts')
  const costs = new Map<Candidate, number[]>([[product, []], [limit, []]])

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

  for (let round = 0; round < ROUNDS; round++) {
    const inTurn = round % 2 === 0 ? [product, limit] : [limit, product]
    for (const candidate of inTurn) costs.get(candidate)!.push(await costOf(candidate, round))
  }
  return [{ product: Math.min(...costs.get(product)!), limit: Math.min(...costs.get(limit)!) }]
}
