import type { CalmCommands } from '../calm_load.ts'
import type { HostileCommands } from '../hostile_load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'
import type { LoopDelay } from '../support/loop_delay.ts'

const CALM = 100
const COUNTS = { idle: 4_000, slow: 2_000, garbage: 2_000, storm: 2_000 }
const SECONDS = 5
const ROUNDS = 5

/**
 * Server, calm clients and hostile ones are a process each. The hostile ones' is the last to get a processor: what they
 * compute is not the server's doing, and would elsewhere happen elsewhere. What the system does for their connections,
 * both ends of them, is in the figures.
 */
export const hostile: Row = {
  name: 'hostile',
  work: '100 clients beside 10,000 hostile ones: publish → delivery, p99',
  against: 'the same 100 alone, just before',
  unit: 'ms',
  required: { atMost: 3 },
  async measure(scene) {
    const pairs: Pair[] = []
    const notes: string[] = [
      'Of the hostile, 4,000 are idle, 2,000 never read and are in a room of 2,000 in which 5 messages/s are said ' +
      '(and 20/s in rooms of 100), and ask for 20 pages of history/s, 2,000 send 1,000 frames/s of garbage, 2,000 join ' +
      'or leave 1,000 times/s; 20/s break and come back. Their process has the lowest priority.',
    ]
    for (let i = 0; i < ROUNDS; i++) {
      const server = scene.start<ServerCommands>('server.ts', { url: await scene.database(`hostile${i}`) })
      const calm = scene.start<CalmCommands>('calm_load.ts')
      const enemy = scene.start<HostileCommands>('hostile_load.ts', {}, 'bun', true)
      const port = await server.call('port')
      await calm.call('connect', { port, count: CALM })
      // The first of it warms up.
      await calm.call('latencies', { seconds: 2 })
      await server.call('loopDelay')
      const quiet = await calm.call('latencies', { seconds: SECONDS })
      const quietLoop = await server.call('loopDelay')
      await enemy.call('connect', { port, counts: COUNTS })
      const coming = await server.call('loopDelay')
      const before = await server.call('usage')
      const beside = await calm.call('latencies', { seconds: SECONDS })
      const loop = await server.call('loopDelay')
      const { connected, lost } = await enemy.call('standing')
      const { rss, cpu } = await server.call('usage')
      await enemy.call('end')
      for (const remote of [enemy, calm, server]) await remote.stop()
      const load = Math.round((cpu - before.cpu) / 1e4 / (SECONDS + 1))
      const note = `p50 ${quiet.p50.toFixed(1)} → ${beside.p50.toFixed(1)} ms, ` +
        `p99 ${quiet.p99.toFixed(1)} → ${beside.p99.toFixed(1)} ms; ` +
        `the server's event loop: ${told(quietLoop)} → ${told(loop)} (${told(coming)} while they came); ` +
        `${connected} hostile connections, ${lost} thrown out, ` +
        `${Math.round(rss / 1024 / 1024)} MiB and ${load} % of a processor`
      scene.progress(note)
      notes.push(note)
      pairs.push({ product: beside.p99, limit: quiet.p99 })
    }
    return { pairs, notes }
  },
}

function told({ p99, longestOwn, waited }: LoopDelay): string {
  return `p99 ${p99.toFixed(1)} ms late, ${longestOwn.toFixed(1)} ms its longest turn, ` +
    `${Math.round(waited * 100)} % of the time others had its processor`
}
