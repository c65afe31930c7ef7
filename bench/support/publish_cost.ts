import process from 'node:process'
import type { CodecLoadCommands, PublishLoad } from '../codec_load.ts'
import { median, type Pair, type Scene } from '../row.ts'
import type { ServerCommands } from '../server.ts'

/** Processes of each: how a runtime happens to compile and lay out what it runs lasts as long as the process. */
const PAIRS = Number(process.env['BENCH_PAIRS'] ?? 9)
/** Runs of each process before it is looked at, while it still compiles. */
const WARMING = 2
const RUNS = 3

/** Durable texts of 100 B from some publishers at once. */
export const TEXT = { content: 'text', publishers: 20, inFlight: 50, messages: 40_000 } as const

/** A server to be compared, and how it is talked to. */
export interface Candidate {
  readonly name: string
  /** Relative to `bench/`; default the product's server. */
  readonly file?: string
  readonly options?: object
  readonly codec?: 'json' | 'flatbuffers'
}

/**
 * CPU that publishes cost two servers, in microseconds each. Pairs of processes, each with a new database, take turns in
 * running, since what else uses the machine changes from minute to minute by more than what is looked for. A process's
 * figure is the median of its runs.
 */
export async function comparePublishCost(
  scene: Scene,
  load: PublishLoad,
  product: Candidate,
  limit: Candidate,
): Promise<Pair[]> {
  const clients = scene.start<CodecLoadCommands>('codec_load.ts')

  const start = async ({ name, file = 'server.ts', options, codec = 'json' }: Candidate, pair: number) => {
    const server = scene.start<ServerCommands>(file, { url: await scene.database(`${name}-${pair}`), ...options })
    return { server, codec, port: await server.call('port'), costs: [] as number[] }
  }
  const run = async ({ server, codec, port, costs }: Awaited<ReturnType<typeof start>>, isWarm: boolean) => {
    const before = await server.call('usage')
    await clients.call('run', { port, codec, ...load })
    if (isWarm) costs.push(((await server.call('usage')).cpu - before.cpu) / load.messages)
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
