/**
 * A real server for tests, run as a process of its own on Bun or on Deno:
 * `bun test/support/room_server.ts '<RoomServerOptions as JSON>'`. Prints `ready <port>` when it listens.
 */
import process from 'node:process'
import type { InspectorOptions, RotundaServer } from '../../src/mod.ts'
import { fixtureHub } from './hosts/fixture_hub.ts'
import type { RoomServerOptions } from './spawn_server.ts'

if (import.meta.main) {
  const options = JSON.parse(process.argv[2] ?? '{}') as RoomServerOptions
  const { hub, raw, fetch } = await fixtureHub(options)
  const listen = { port: options.port ?? 0, hostname: '127.0.0.1' }
  const compression = options.compression === undefined ? {} : { compression: options.compression }
  const inspector = options.inspector as InspectorOptions | undefined
  const { fallback = {} } = options
  let server: RotundaServer
  switch (options.host ?? 'bun') {
    case 'bun':
      server = (await import('../../adapters/bun/mod.ts')).serve(hub, {
        ...listen,
        ...compression,
        raw,
        fetch,
        inspector,
        fallback,
      })
      break
    case 'deno':
      server = (await import('../../adapters/deno/mod.ts')).serve(hub, { ...listen, raw, fetch, inspector, fallback })
      break
    default:
      server = (await import('./hosts/hono_server.ts')).serveHono(hub, { ...options, ...listen, raw, fetch, inspector })
  }
  const stop = () => void server.stop({ drain: options.drain ?? 0 }).then(() => process.exit(0))
  process.on('SIGTERM', stop)
  console.log(`ready ${server.port}`)
}
