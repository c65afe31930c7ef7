/**
 * A real server for tests, run as a process of its own: `bun test/support/room_server.ts '<options as JSON>'`.
 * Prints `ready <port>` when it listens.
 */
import { serve } from '../../adapters/bun/mod.ts'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { createHub, type Limits, memoryStore } from '../../src/mod.ts'

export interface RoomServerOptions {
  readonly port?: number
  /** Database URL; in memory when absent. */
  readonly database?: string
  readonly limits?: Partial<Limits>
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as RoomServerOptions
  const store = options.database === undefined ? memoryStore() : await libsqlStore({ url: options.database })
  const hub = createHub({ protocol: chat, store, limits: options.limits ?? {} })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const server = serve(hub, { port: options.port ?? 0, hostname: '127.0.0.1' })
  process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))
  console.log(`ready ${server.port}`)
}
