import type { CodecLoadCommands } from '../codec_load.ts'
import { median, type Pair, type Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LOAD = { codec: 'json', content: 'text', publishers: 20, inFlight: 50, messages: 20_000 } as const
/** Processes of each: how a runtime happens to compile and lay out what it runs lasts as long as the process. */
const PAIRS = 21
/** Runs of each process before it is looked at, while it still compiles. */
const WARMING = 2
const RUNS = 3

/** A server to be compared. */
export interface Candidate {
  readonly name: string
  /** Relative to `bench/`. */
  readonly file: string
  readonly options?: object
}

/**
 * CPU that durable publishes to so many subscribers cost, in microseconds each: of some pairs of servers, each with a new
 * database, that take turns. A server's figure is the median of its runs.
 */
export async function comparePublishCost(
  scene: Scene,
  subscribers: number,
  product: Candidate,
  limit: Candidate,
): Promise<Pair[]> {
  const load = scene.start<CodecLoadCommands>('codec_load.ts')

  const start = async ({ name, file, options }: Candidate, pair: number) => {
    const server = scene.start<ServerCommands>(file, { url: await scene.database(`${name}-${pair}`), ...options })
    return { server, port: await server.call('port'), costs: [] as number[] }
  }
  const run = async ({ server, port, costs }: Awaited<ReturnType<typeof start>>, isWarm: boolean) => {
    const before = await server.call('usage')
    await load.call('run', { port, subscribers, ...LOAD })
    if (isWarm) costs.push(((await server.call('usage')).cpu - before.cpu) / LOAD.messages)
  }

  const pairs: Pair[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const both = [await start(product, pair), await start(limit, pair)] as const
    for (let i = 0; i < WARMING + RUNS; i++) {
      for (const one of (i + pair) % 2 === 0 ? both : both.toReversed()) await run(one, i >= WARMING)
    }
    await Promise.all(both.map(({ server }) => server.stop()))
    const [productCost, limitCost] = both.map(({ costs }) => median(costs)) as [number, number]
    scene.progress(`${product.name} ${productCost.toFixed(1)} µs a publish, ${limit.name} ${limitCost.toFixed(1)} µs`)
    pairs.push({ product: productCost, limit: limitCost })
  }
  return pairs
}
