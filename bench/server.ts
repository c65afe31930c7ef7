// The product as a process of its own, for the benchmarks: Bun adapter, hub and libSQL file, all with their defaults.
import { z } from 'zod'
import { serve } from '../adapters/bun/mod.ts'
import { libsqlStore } from '../adapters/libsql/mod.ts'
import { createHub, defineProtocol, event, type HubMetrics, memoryStore } from '../src/mod.ts'
import { expose, startedWith } from './support/remote.ts'
import { settledUsage, type Usage, usage } from './support/usage.ts'

const { url } = startedWith<{ url?: string }>()
const payload = z.object({ user: z.string().min(1).max(64), text: z.string().min(1).max(4096) })
const protocol = defineProtocol({ 'chat.message': event(payload), 'chat.typing': event(payload, { durable: false }) })
const store = url === undefined ? memoryStore() : await libsqlStore({ url })
const hub = createHub({ protocol, store, limits: { maxConnections: 20_000 } })
const server = serve(hub, { port: 0, hostname: '127.0.0.1' })

const commands = {
  port: (): number => server.port,
  usage: (): Usage => usage(),
  settledUsage: (): Promise<Usage> => settledUsage(),
  metrics: (): HubMetrics => hub.metrics,
}
export type ServerCommands = typeof commands
expose(commands)
