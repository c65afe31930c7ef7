import type { LoadCommands } from '../load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'

const SMALL = { name: 'small', members: 100 }
const LARGE = { name: 'large', members: 10_000 }
const WATCHERS = 100
const COMERS = 500
const WAVES = 8
const ROUNDS = 5

export const presence: Row = {
  name: 'presence',
  work: `presence: server CPU of one who comes and goes among ${LARGE.members}, ${WATCHERS} watching`,
  against: `the same among ${SMALL.members}`,
  unit: 'µs',
  required: { atMost: 1.3 },
  async measure(scene) {
    const server = scene.start<ServerCommands>('server.ts')
    const load = scene.start<LoadCommands>('load.ts')
    const port = await server.call('port')
    scene.progress(`gathering ${LARGE.members} members`)
    await load.call('gather', { port, rooms: [SMALL, LARGE], watchers: WATCHERS, comers: COMERS })
    const measure = async (room: string) => {
      const before = (await server.call('usage')).cpu
      await load.call('wave', { port, room, times: WAVES })
      return ((await server.call('usage')).cpu - before) / (WAVES * COMERS)
    }
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const pair = { product: await measure(LARGE.name), limit: await measure(SMALL.name) }
      scene.progress(`large: ${pair.product.toFixed(2)} µs, small: ${pair.limit.toFixed(2)} µs`)
      // The first round warms up.
      if (i > 0) pairs.push(pair)
    }
    return { pairs, notes: [`${COMERS} come and go together; all ${LARGE.members + WATCHERS + COMERS} are connected.`] }
  },
}
