import type { LoadCommands } from '../load.ts'
import type { Pair, Row, Scene } from '../row.ts'
import { BARE, ROTUNDA, type ServerKind, startServer } from '../support/servers.ts'

const SUBSCRIBERS = 1_000
const BURST = 64
const SECONDS = 2
const ROUNDS = 5
// What differs little is measured more often.
const HONO_ROUNDS = 11

export const ephemeralFanout: Row = {
  name: 'ephemeral fan-out',
  work: `ephemeral fan-out, ${SUBSCRIBERS} subscribers, 100 B: server CPU a delivery`,
  against: 'bare Bun.serve + server.publish',
  unit: 'µs',
  required: { atMost: 1.3 },
  measure: (scene) => compare(scene, ROTUNDA.bun, BARE.bun),
}

export const denoEphemeralFanout: Row = {
  ...ephemeralFanout,
  name: 'Deno, ephemeral fan-out',
  work: `Deno: ${ephemeralFanout.work}`,
  against: 'bare Deno.serve, a loop of socket.send',
  required: { atMost: 1.2 },
  measure: (scene) => compare(scene, ROTUNDA.deno, BARE.deno),
}

export const honoEphemeralFanout: Row = {
  ...ephemeralFanout,
  name: 'Hono, ephemeral fan-out',
  work: `Hono on Bun: ${ephemeralFanout.work}`,
  against: 'the Bun adapter',
  required: { atMost: 1.05 },
  measure: (scene) => compare(scene, ROTUNDA.hono, ROTUNDA.bun, HONO_ROUNDS),
}

async function compare(scene: Scene, product: ServerKind, limit: ServerKind, rounds = ROUNDS) {
  const load = scene.start<LoadCommands>('load.ts')

  /** Gives what measures the CPU of one delivery. */
  const start = async (kind: ServerKind) => {
    const server = startServer(scene, kind)
    const port = await server.call('port')
    await load.call('subscribe', { port, count: SUBSCRIBERS, product: kind.isProduct, counting: 'frames' })
    return async () => {
      const before = (await server.call('usage')).cpu
      const options = { port, product: kind.isProduct, burst: BURST, seconds: SECONDS }
      const { count, seconds } = await load.call('bursts', options)
      const cpu = (await server.call('usage')).cpu - before
      scene.progress(`${kind.name}: ${(cpu / count).toFixed(3)} µs, ${Math.round(count / seconds)} deliveries/s`)
      return cpu / count
    }
  }

  const ofProduct = await start(product)
  const ofLimit = await start(limit)
  const pairs: Pair[] = []
  for (let i = 0; i < rounds + 1; i++) {
    const pair = { product: await ofProduct(), limit: await ofLimit() }
    // The first round warms both up.
    if (i > 0) pairs.push(pair)
  }
  return { pairs, notes: [`Messages come in bursts of ${BURST}, a frame each.`] }
}
