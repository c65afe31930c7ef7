import type { LoadCommands } from '../load.ts'
import type { Pair, Row, Scene } from '../row.ts'
import { BARE, ROTUNDA, type ServerKind, startServer } from '../support/servers.ts'

const CONNECTIONS = 10_000
const WARM_UP = 500
const ROUNDS = 2

export const idleConnection: Row = {
  name: 'idle connection',
  work: `idle connection, ${CONNECTIONS} of them: memory each`,
  against: 'bare Bun.serve',
  unit: 'KiB',
  required: { atMost: 3 },
  measure: (scene) => compare(scene, ROTUNDA.bun, BARE.bun),
}

export const denoIdleConnection: Row = {
  ...idleConnection,
  name: 'Deno, idle connection',
  work: `Deno: ${idleConnection.work}`,
  against: 'bare Deno.serve',
  required: { atMost: 1.5 },
  measure: (scene) => compare(scene, ROTUNDA.deno, BARE.deno),
}

async function compare(scene: Scene, product: ServerKind, limit: ServerKind) {
  const load = scene.start<LoadCommands>('load.ts')
  const memoryEach = async (kind: ServerKind) => {
    // A new process each time: memory once used is rarely given back to the system.
    const server = startServer(scene, kind)
    const port = await server.call('port')
    await load.call('idle', { port, product: kind.isProduct, count: WARM_UP })
    const before = (await server.call('settledUsage')).rss
    await load.call('idle', { port, product: kind.isProduct, count: CONNECTIONS })
    const after = (await server.call('settledUsage')).rss
    await load.call('endIdle')
    await server.stop()
    const kib = (after - before) / 1024 / CONNECTIONS
    scene.progress(`${kind.name}: ${kib.toFixed(2)} KiB a connection`)
    return kib
  }
  const pairs: Pair[] = []
  for (let i = 0; i < ROUNDS; i++) pairs.push({ product: await memoryEach(product), limit: await memoryEach(limit) })
  return { pairs }
}
