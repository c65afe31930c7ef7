import type { BareStoreCommands } from '../bare_store.ts'
import type { LoadCommands } from '../load.ts'
import { median, type Pair, type Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const LARGE = { name: 'large', head: 1_000_000 }
const SMALL = { name: 'small', head: 10_000 }
const JOINS = 200
const ROUNDS = 5

export const join: Row = {
  name: 'join',
  work: 'join with last 50: time in a room of 1,000,000 messages, median',
  against: 'the same with 10,000',
  unit: 'ms',
  required: { atMost: 1.2 },
  async measure(scene) {
    const url = await scene.database('rotunda')
    const store = scene.start<BareStoreCommands>('bare_store.ts', { url })
    for (const { name, head } of [SMALL, LARGE]) {
      scene.progress(`filling a room with ${head} messages`)
      await store.call('fill', { room: name, count: head })
    }
    const product = scene.start<ServerCommands>('server.ts', { url })
    const load = scene.start<LoadCommands>('load.ts')
    const port = await product.call('port')
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const [large = [], small = []] = await load.call('joins', { port, rooms: [LARGE, SMALL], rounds: JOINS })
      const pair = { product: median(large), limit: median(small) }
      scene.progress(`large: ${pair.product.toFixed(3)} ms, small: ${pair.limit.toFixed(3)} ms`)
      // The first round warms up.
      if (i > 0) pairs.push(pair)
    }
    return { pairs }
  },
}
