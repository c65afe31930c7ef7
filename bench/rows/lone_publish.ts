import type { BareStoreCommands } from '../bare_store.ts'
import type { LoadCommands } from '../load.ts'
import { median, type Pair, type Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const COUNT = 1_000
const ROUNDS = 5

export const lonePublish: Row = {
  name: 'lone publish',
  work: 'one publisher, one in flight: publish → durable ack, median',
  against: 'a bare store append of one message',
  unit: 'ms',
  required: { atMost: 2 },
  async measure(scene) {
    const product = scene.start<ServerCommands>('server.ts', { url: await scene.database('rotunda') })
    const store = scene.start<BareStoreCommands>('bare_store.ts', { url: await scene.database('store') })
    const load = scene.start<LoadCommands>('load.ts')
    const port = await product.call('port')
    await load.call('openPublishers', { port, count: 1, rooms: ['africa'] })
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const pair = {
        product: median(await load.call('lone', { port, count: COUNT })),
        limit: median(await store.call('lone', { count: COUNT, room: 'africa' })),
      }
      scene.progress(`rotunda: ${pair.product.toFixed(3)} ms, store: ${pair.limit.toFixed(3)} ms`)
      // The first round warms both up.
      if (i > 0) pairs.push(pair)
    }
    return { pairs }
  },
}
