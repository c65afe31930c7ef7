import type { CodecLoadCommands } from '../codec_load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LOAD = { codec: 'json', content: 'text', publishers: 20, inFlight: 50, messages: 40_000 } as const
const ROUNDS = 5

/** What it costs to have metrics by type, a scrape a second, quotas, authentication and policies. */
function operated(name: string, subscribers: number, what: string): Row {
  return {
    name,
    work: `${what}, with metrics, quotas, authentication and policies on: CPU a publish`,
    against: 'all of them off',
    unit: 'µs',
    required: { atMost: 1.1 },
    async measure(scene) {
      const load = scene.start<CodecLoadCommands>('codec_load.ts')
      const pairs: Pair[] = []
      for (let round = 0; round <= ROUNDS; round++) {
        const costs = { on: 0, off: 0 }
        for (const state of round % 2 === 0 ? ['on', 'off'] as const : ['off', 'on'] as const) {
          const url = await scene.database(`${state}-${round}`)
          const server = scene.start<ServerCommands>('server.ts', { url, operated: state === 'on' })
          const port = await server.call('port')
          await load.call('run', { port, subscribers, ...LOAD, messages: LOAD.messages / 4 })
          const before = await server.call('usage')
          await load.call('run', { port, subscribers, ...LOAD })
          costs[state] = ((await server.call('usage')).cpu - before.cpu) / LOAD.messages
          await server.stop()
        }
        scene.progress(`on ${costs.on.toFixed(1)} µs, off ${costs.off.toFixed(1)} µs a publish`)
        // The first round warms the load up.
        if (round > 0) pairs.push({ product: costs.on, limit: costs.off })
      }
      return { pairs }
    },
  }
}

export const operatedPublish: Row = operated('operated publish', 0, 'durable publishes')
export const operatedFanout: Row = operated('operated fan-out', 100, 'durable fan-out to 100 subscribers')
