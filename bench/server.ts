// The product as a process of its own, for the benchmarks: an adapter, hub and libSQL file, all with their defaults.
import { z } from 'zod'
import { flatbuffers } from '../adapters/flatbuffers/mod.ts'
import { libsqlStore } from '../adapters/libsql/mod.ts'
import { createHub, defineProtocol, event, type HubMetrics, memoryStore } from '../src/mod.ts'
import { type LoopDelay, LoopWatch } from './support/loop_delay.ts'
import { OPERATED, scrapeEverySecond } from './support/operated.ts'
import { expose, startedWith } from './support/remote.ts'
import { settledUsage, type Usage, usage } from './support/usage.ts'

/** What the product is served by. */
export type Adapter = 'bun' | 'deno' | 'hono on bun'

const { url, adapter = 'bun', operated = false } = startedWith<
  { url?: string; adapter?: Adapter; operated?: boolean }
>()
const payload = z.object({ user: z.string().min(1).max(64), text: z.string().min(1).max(4096) })
const protocol = defineProtocol({
  'chat.message': event(payload),
  'chat.typing': event(payload, { durable: false }),
  'file.chunk': event(z.instanceof(Uint8Array)),
  'file.part': event(z.instanceof(Uint8Array), { durable: false }),
})
const store = url === undefined ? memoryStore() : await libsqlStore({ url })
const limits = { maxConnections: 20_000 }
const hub = createHub({ protocol, store, codecs: [flatbuffers], limits, ...(operated ? OPERATED : {}) })
if (operated) scrapeEverySecond(hub)
const port = await serve(adapter)

async function serve(adapter: Adapter): Promise<number> {
  const listen = { port: 0, hostname: '127.0.0.1' }
  switch (adapter) {
    case 'bun':
      return (await import('../adapters/bun/mod.ts')).serve(hub, listen).port
    case 'deno':
      return (await import('../adapters/deno/mod.ts')).serve(hub, listen).port
    case 'hono on bun': {
      const { Hono } = await import('hono')
      const { bunHandlers } = await import('../adapters/bun/mod.ts')
      const { realtime } = await import('../adapters/hono/mod.ts')
      const { fetch } = new Hono().route('/', realtime(hub))
      return Bun.serve({ ...listen, fetch, websocket: bunHandlers(hub).websocket }).port ?? 0
    }
  }
}

// Looking costs a few percent: only rows that ask for it, from the first time they do.
let loop: LoopWatch | undefined
const commands = {
  port: (): number => port,
  usage: (): Usage => usage(),
  settledUsage: (): Promise<Usage> => settledUsage(),
  metrics: (): HubMetrics => hub.metrics,
  loopDelay: (): LoopDelay => (loop ??= new LoopWatch()).take(),
}
export type ServerCommands = typeof commands
expose(commands)
