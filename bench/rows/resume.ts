import type { BareStoreCommands } from '../bare_store.ts'
import type { LoadCommands } from '../load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const MISSED = 100_000
const ROUNDS = 5
const room = 'africa'

export const resume: Row = {
  name: 'resume',
  work: `resume of ${MISSED} missed messages by one client: messages/s`,
  against: 'plain SELECT of the same rows',
  unit: '/s',
  required: { atLeast: 0.3 },
  async measure(scene) {
    const url = await scene.database('rotunda')
    const store = scene.start<BareStoreCommands>('bare_store.ts', { url })
    const epoch = await store.call('epoch')
    await store.call('fill', { room, count: MISSED })
    const product = scene.start<ServerCommands>('server.ts', { url })
    const load = scene.start<LoadCommands>('load.ts')
    const port = await product.call('port')
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const pair = {
        product: MISSED / await load.call('resume', { port, room, epoch, head: MISSED }),
        limit: MISSED / await store.call('select', { room, count: MISSED }),
      }
      scene.progress(`rotunda: ${Math.round(pair.product)}/s, SELECT: ${Math.round(pair.limit)}/s`)
      // The first round warms both up.
      if (i > 0) pairs.push(pair)
    }
    return { pairs }
  },
}
