import type { BareServerCommands } from '../bare_server.ts'
import type { LoadCommands } from '../load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const SUBSCRIBERS = 1_000
const BURST = 64
const SECONDS = 2
const ROUNDS = 5

export const ephemeralFanout: Row = {
  name: 'ephemeral fan-out',
  work: `ephemeral fan-out, ${SUBSCRIBERS} subscribers, 100 B: server CPU a delivery`,
  against: 'bare Bun.serve + server.publish',
  unit: 'µs',
  required: { atMost: 1.3 },
  async measure(scene) {
    const product = scene.start<ServerCommands>('server.ts')
    const bare = scene.start<BareServerCommands>('bare_server.ts')
    const load = scene.start<LoadCommands>('load.ts')
    const pairs: Pair[] = []
    const ports = { product: await product.call('port'), bare: await bare.call('port') }
    await load.call('subscribe', { port: ports.product, count: SUBSCRIBERS, product: true, counting: 'frames' })
    await load.call('subscribe', { port: ports.bare, count: SUBSCRIBERS, product: false, counting: 'frames' })

    const perDelivery = async (isProduct: boolean) => {
      const server = isProduct ? product : bare
      const port = isProduct ? ports.product : ports.bare
      const before = (await server.call('usage')).cpu
      const { count, seconds } = await load.call('bursts', { port, product: isProduct, burst: BURST, seconds: SECONDS })
      const cpu = (await server.call('usage')).cpu - before
      scene.progress(
        `${isProduct ? 'rotunda' : 'bare'}: ${(cpu / count).toFixed(3)} µs, ${
          Math.round(count / seconds)
        } deliveries/s`,
      )
      return cpu / count
    }
    await perDelivery(true)
    await perDelivery(false)
    for (let i = 0; i < ROUNDS; i++) {
      pairs.push({ product: await perDelivery(true), limit: await perDelivery(false) })
    }
    return { pairs, notes: [`Messages come in bursts of ${BURST}, a frame each.`] }
  },
}
