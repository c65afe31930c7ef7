import type { BareServerCommands } from '../bare_server.ts'
import type { LoadCommands } from '../load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const CONNECTIONS = 10_000
const WARM_UP = 500
const ROUNDS = 2

export const idleConnection: Row = {
  name: 'idle connection',
  work: `idle connection, ${CONNECTIONS} of them: memory each`,
  against: 'bare Bun.serve',
  unit: 'KiB',
  required: { atMost: 3 },
  async measure(scene) {
    const load = scene.start<LoadCommands>('load.ts')
    const memoryEach = async (product: boolean) => {
      // A new process each time: memory once used is rarely given back to the system.
      const server = product
        ? scene.start<ServerCommands>('server.ts')
        : scene.start<BareServerCommands>('bare_server.ts')
      const port = await server.call('port')
      await load.call('idle', { port, product, count: WARM_UP })
      const before = (await server.call('settledUsage')).rss
      await load.call('idle', { port, product, count: CONNECTIONS })
      const after = (await server.call('settledUsage')).rss
      await load.call('endIdle')
      await server.stop()
      const kib = (after - before) / 1024 / CONNECTIONS
      scene.progress(`${product ? 'rotunda' : 'bare'}: ${kib.toFixed(2)} KiB a connection`)
      return kib
    }
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS; i++) pairs.push({ product: await memoryEach(true), limit: await memoryEach(false) })
    return { pairs }
  },
}
