import type { LoadCommands } from '../load.ts'
import type { Pair, Row, Scene } from '../row.ts'
import { FAN_ROOM } from '../support/messages.ts'
import { BARE, ROTUNDA, type ServerKind, startServer } from '../support/servers.ts'

const SUBSCRIBERS = 1_000
const PUBLISHERS = 100
const IN_FLIGHT = 50
const SECONDS = 2
const ROUNDS = 5

export const durableFanout: Row = {
  name: 'durable fan-out',
  work: `durable fan-out at saturation, ${SUBSCRIBERS} subscribers, 100 B, fsync on every commit: deliveries/s`,
  against: 'bare non-durable server.publish, a message a frame',
  unit: '/s',
  required: { atLeast: 2.5 },
  measure: (scene) => compare(scene, ROTUNDA.bun, BARE.bun, { count: PUBLISHERS, inFlight: IN_FLIGHT }),
}

export const denoDurableFanout: Row = {
  ...durableFanout,
  name: 'Deno, durable fan-out',
  work: `Deno: ${durableFanout.work}`,
  against: 'bare non-durable loop of socket.send, a message a frame',
  required: { atLeast: 15 },
  // The loop is saturated by less, and what waits in it is in memory.
  measure: (scene) => compare(scene, ROTUNDA.deno, BARE.deno, { count: 4, inFlight: 16 }),
}

async function compare(
  scene: Scene,
  productKind: typeof ROTUNDA[keyof typeof ROTUNDA],
  bareKind: ServerKind,
  flooding: { readonly count: number; readonly inFlight: number },
) {
  const product = startServer(scene, productKind, await scene.database('rotunda'))
  const bare = startServer(scene, bareKind)
  const load = scene.start<LoadCommands>('load.ts')
  const port = await product.call('port')
  const barePort = await bare.call('port')
  await load.call('subscribe', { port, count: SUBSCRIBERS, product: true, counting: 'log' })
  await load.call('openPublishers', { port, count: PUBLISHERS, rooms: [FAN_ROOM] })
  await load.call('subscribe', { port: barePort, count: SUBSCRIBERS, product: false, counting: 'frames' })
  const pairs: Pair[] = []
  const acked: number[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const before = await product.call('usage')
    const metrics = await product.call('metrics')
    const durable = await load.call('publish', { port, inFlight: IN_FLIGHT, seconds: SECONDS })
    const after = await product.call('metrics')
    const cpu = (await product.call('usage')).cpu - before.cpu
    const batch = (after.messages - metrics.messages) / (after.commits - metrics.commits)
    const delivered = durable.delivered.count / durable.delivered.seconds
    acked.push(durable.acked.count / durable.acked.seconds)
    scene.progress(
      `${productKind.name}: ${Math.round(delivered)} deliveries/s, ${Math.round(acked.at(-1)!)} publishes/s, ` +
        `${Math.round(batch)} a commit, ${(cpu / (after.messages - metrics.messages)).toFixed(1)} µs CPU a message`,
    )
    const flood = await load.call('floodBare', { port: barePort, ...flooding, seconds: SECONDS })
    const limit = flood.count / flood.seconds
    scene.progress(`${bareKind.name}: ${Math.round(limit)} deliveries/s`)
    pairs.push({ product: delivered, limit })
  }
  return {
    pairs,
    notes: [
      'Every subscriber checked that no seq is missing between frames, one of them also inside of them; all that was ' +
      'acknowledged arrived everywhere.',
    ],
  }
}
