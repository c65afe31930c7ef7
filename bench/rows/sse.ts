import type { BareHttpCommands } from '../bare_http_server.ts'
import type { HttpLoadCommands } from '../http_load.ts'
import { median, type Pair, type Row } from '../row.ts'
import type { ServerCommands } from '../server.ts'
import { FAN_ROOM } from '../support/messages.ts'

const STREAMS = 1_000
/** Of several at once the product makes one write, which the loop does not. */
const BURST = 1
const SECONDS = 2
const ROUNDS = 5
const COUNT = 500

/** What a stream of the product hears before the first message: its retry, the welcome, that it has joined. */
const FIRST_EVENTS = 3

export const streamFanout: Row = {
  name: 'SSE fan-out',
  work: `SSE: ephemeral fan-out, ${STREAMS} streams, 100 B: server CPU a delivery`,
  against: 'bare Bun.serve, a loop over streams',
  unit: 'µs',
  required: { atMost: 1.5 },
  async measure(scene) {
    const load = scene.start<HttpLoadCommands>('http_load.ts')
    const product = scene.start<ServerCommands>('server.ts', {})
    const bare = scene.start<BareHttpCommands>('bare_http_server.ts')
    const path = `/sse?room=${FAN_ROOM}`
    await load.call('stream', { port: await product.call('port'), path, count: STREAMS, events: FIRST_EVENTS })
    await load.call('stream', { port: await bare.call('port'), path, count: STREAMS, events: 1 })
    const cpuEach = async (isProduct: boolean) => {
      const server = isProduct ? product : bare
      const before = (await server.call('usage')).cpu
      const options = { port: await server.call('port'), product: isProduct, burst: BURST, seconds: SECONDS }
      const { count, seconds } = await load.call('bursts', options)
      const cpu = (await server.call('usage')).cpu - before
      scene.progress(
        `${isProduct ? 'rotunda' : 'bare'}: ${(cpu / count).toFixed(3)} µs, ${Math.round(count / seconds)}/s`,
      )
      return cpu / count
    }
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const pair = { product: await cpuEach(true), limit: await cpuEach(false) }
      // The first round warms both up.
      if (i > 0) pairs.push(pair)
    }
    return { pairs }
  },
}

export const streamLatency: Row = {
  name: 'SSE latency',
  work: 'SSE: publish → subscriber hears it, durable, median',
  against: 'the same over a WebSocket',
  unit: 'ms',
  required: { atMost: 2 },
  async measure(scene) {
    const load = scene.start<HttpLoadCommands>('http_load.ts')
    const product = scene.start<ServerCommands>('server.ts', { url: await scene.database('rotunda') })
    const port = await product.call('port')
    await load.call('stream', { port, path: `/sse?room=${FAN_ROOM}`, count: 1, events: FIRST_EVENTS })
    const pairs: Pair[] = []
    for (let i = 0; i < ROUNDS + 1; i++) {
      const pair = {
        product: median(await load.call('latency', { port, count: COUNT })),
        limit: median(await load.call('socketLatency', { port, count: COUNT })),
      }
      scene.progress(`SSE: ${pair.product.toFixed(3)} ms, WebSocket: ${pair.limit.toFixed(3)} ms`)
      if (i > 0) pairs.push(pair)
    }
    return { pairs }
  },
}
