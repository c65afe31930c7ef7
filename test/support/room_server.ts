/**
 * A real server for tests, run as a process of its own: `bun test/support/room_server.ts '<options as JSON>'`.
 * Prints `ready <port>` when it listens. Answers `GET /memory` with the bytes it holds.
 */
import { serve } from '../../adapters/bun/mod.ts'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import { chat } from '../../examples/chat/protocol.ts'
import { createHub, memoryStore, type MessageStore } from '../../src/mod.ts'
import type { RoomServerOptions } from './spawn_server.ts'

async function seed(store: MessageStore, { room, messages, trimmed }: NonNullable<RoomServerOptions['seed']>) {
  const common = { room, kind: 'event', type: 'chat.message', from: null, key: null, ts: Date.now() }
  await store.append(Array.from({ length: messages }, (_, i) => {
    return { ...common, payload: JSON.stringify({ user: 'seed', text: `message ${i + 1}` }) }
  }))
  if (trimmed > 0) await store.trim(room, trimmed)
}

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as RoomServerOptions
  const store = options.database === undefined ? memoryStore() : await libsqlStore({ url: options.database })
  if (options.seed !== undefined) await seed(store, options.seed)
  const hub = createHub({ protocol: chat, store, limits: options.limits ?? {} })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const server = serve(hub, {
    port: options.port ?? 0,
    hostname: '127.0.0.1',
    fetch: (request) => {
      if (new URL(request.url).pathname !== '/memory') return new Response('not here', { status: 404 })
      return Response.json(process.memoryUsage().rss)
    },
  })
  process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))
  console.log(`ready ${server.port}`)
}
