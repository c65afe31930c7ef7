import type { BareStoreCommands } from '../bare_store.ts'
import type { LoadCommands } from '../load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const PUBLISHERS = 100
const IN_FLIGHT = 50
const ROOMS = Array.from({ length: 10 }, (_, i) => `room-${i}`)
const SECONDS = 2
const ROUNDS = 5

export const durablePublish: Row = {
  name: 'durable publish',
  work: `durable publishes acknowledged, ${PUBLISHERS} publishers with ${IN_FLIGHT} in flight each, libSQL file, fsync`,
  against: 'the store alone fed the same batches',
  unit: '/s',
  required: { atLeast: 0.7 },
  async measure(scene) {
    const product = scene.start<ServerCommands>('server.ts', { url: await scene.database('rotunda') })
    const store = scene.start<BareStoreCommands>('bare_store.ts', { url: await scene.database('store') })
    const load = scene.start<LoadCommands>('load.ts')
    const port = await product.call('port')
    await load.call('openPublishers', { port, count: PUBLISHERS, rooms: ROOMS })
    const pairs: Pair[] = []
    const costs: string[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const before = { ...await product.call('metrics'), ...await product.call('usage') }
      const { acked } = await load.call('publish', { port, inFlight: IN_FLIGHT, seconds: SECONDS })
      const after = { ...await product.call('metrics'), ...await product.call('usage') }
      const messages = after.messages - before.messages
      const size = Math.round(messages / (after.commits - before.commits))
      const rate = acked.count / acked.seconds
      costs.push(((after.cpu - before.cpu) / messages).toFixed(1))
      scene.progress(`rotunda: ${Math.round(rate)}/s in batches of ${size}, ${costs.at(-1)} µs of CPU each`)
      const cpuBefore = (await store.call('usage')).cpu
      const alone = await store.call('append', { size, rooms: ROOMS, seconds: SECONDS })
      const cpu = (await store.call('usage')).cpu - cpuBefore
      const limit = alone.count / alone.seconds
      scene.progress(`store: ${Math.round(limit)}/s, ${(cpu / alone.count).toFixed(1)} µs of CPU each`)
      pairs.push({ product: rate, limit })
    }
    return { pairs, notes: [`Server CPU a publish, storing included: ${costs.join(', ')} µs.`] }
  },
}
