import type { CalmCommands } from '../calm_load.ts'
import type { HostileCommands } from '../hostile_load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const CALM = 100
const COUNTS = { idle: 4_000, slow: 2_000, garbage: 2_000, storm: 2_000 }
const SECONDS = 5
const ROUNDS = 3

export const hostile: Row = {
  name: 'hostile',
  work: '100 clients beside 10,000 hostile ones: publish → delivery, p99',
  against: 'the same 100 alone',
  unit: 'ms',
  required: { atMost: 3 },
  async measure(scene) {
    const pairs: Pair[] = []
    const notes: string[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const server = scene.start<ServerCommands>('server.ts', { url: await scene.database(`hostile${i}`) })
      const calm = scene.start<CalmCommands>('calm_load.ts')
      const enemy = scene.start<HostileCommands>('hostile_load.ts')
      const port = await server.call('port')
      await calm.call('connect', { port, count: CALM })
      // The first of it warms up.
      await calm.call('latencies', { seconds: 2 })
      const quiet = await calm.call('latencies', { seconds: SECONDS })
      await enemy.call('connect', { port, counts: COUNTS })
      const before = await server.call('usage')
      const beside = await calm.call('latencies', { seconds: SECONDS })
      const { connected, lost } = await enemy.call('standing')
      const { rss, cpu } = await server.call('usage')
      await enemy.call('end')
      for (const remote of [enemy, calm, server]) await remote.stop()
      const load = Math.round((cpu - before.cpu) / 1e4 / (SECONDS + 1))
      const memory = `${Math.round(rss / 1024 / 1024)} MiB and ${load} % of a processor`
      scene.progress(
        `alone: p50 ${quiet.p50.toFixed(1)} ms, p99 ${
          quiet.p99.toFixed(1)
        } ms; beside ${connected} (${lost} thrown out): ` +
          `p50 ${beside.p50.toFixed(1)} ms, p99 ${beside.p99.toFixed(1)} ms, server ${memory}`,
      )
      pairs.push({ product: beside.p99, limit: quiet.p99 })
      notes.push(
        `p50 ${quiet.p50.toFixed(1)} → ${beside.p50.toFixed(1)} ms, ${connected} hostile connections, ${memory}`,
      )
    }
    return { pairs, notes }
  },
}
