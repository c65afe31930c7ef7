import type { BareHttpCommands } from '../bare_http_server.ts'
import type { HttpLoadCommands } from '../http_load.ts'
import type { Pair, Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'
import type { Remote } from '../support/remote.ts'
import type { Usage } from '../support/usage.ts'
import { FAN_ROOM } from '../support/messages.ts'

const POLLS = 10_000
const WARM_UP = 500
const ROUNDS = 2

export const waitingPoll: Row = {
  name: 'waiting poll',
  work: `long polling: a poll that waits, ${POLLS} of them: memory each`,
  against: 'a request held by bare Bun.serve',
  unit: 'KiB',
  required: { atMost: 2 },
  async measure(scene) {
    const load = scene.start<HttpLoadCommands>('http_load.ts')
    type Held = { port(): number; settledUsage(): Promise<Usage> }
    const memoryEach = async (server: Remote<Held>, name: string, pathOf: (url: string) => Promise<string>) => {
      const port = await server.call('port')
      const path = await pathOf(`http://127.0.0.1:${port}`)
      await load.call('wait', { port, path, count: WARM_UP })
      const before = (await server.call('settledUsage')).rss
      await load.call('wait', { port, path, count: POLLS })
      const after = (await server.call('settledUsage')).rss
      const answers = await load.call('answers', { port })
      if (answers > 0) throw new Error(`${answers} polls did not wait.`)
      await load.call('end', { port })
      const kib = (after - before) / 1024 / POLLS
      scene.progress(`${name}: ${kib.toFixed(2)} KiB a poll`)
      return kib
    }
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS; i++) {
      // A new process each time: memory once used is rarely given back to the system.
      const product = scene.start<ServerCommands>('server.ts', {})
      const ofProduct = await memoryEach(product as unknown as Remote<Held>, 'rotunda', waitingPath)
      await product.stop()
      const bare = scene.start<BareHttpCommands>('bare_http_server.ts')
      const ofBare = await memoryEach(bare as unknown as Remote<Held>, 'bare', () => Promise.resolve('/poll'))
      await bare.stop()
      pairs.push({ product: ofProduct, limit: ofBare })
    }
    return { pairs }
  },
}

/** A poll that waits where nothing comes. */
async function waitingPath(url: string): Promise<string> {
  const response = await fetch(`${url}/poll?room=${FAN_ROOM}`)
  await response.arrayBuffer()
  return `/poll?room=${FAN_ROOM}&cursor=${response.headers.get('rotunda-cursor')}&wait=60`
}
