import { type Context, Hono } from 'hono'
import { bunHandlers } from '../../../adapters/bun/mod.ts'
import { realtime, withContext } from '../../../adapters/hono/mod.ts'
import { type InspectorOptions, type RawRoute, rawService, type RotundaServer } from '../../../src/mod.ts'
import type { RoomServerOptions } from '../spawn_server.ts'
import type { FixtureHub } from './fixture_hub.ts'

/** The part of both runtimes' servers that stops them. */
interface Stoppable {
  readonly port: number
  stop(): Promise<void>
}

interface HonoServerOptions extends Pick<RoomServerOptions, 'mistake' | 'compression' | 'fallback'> {
  readonly inspector: InspectorOptions | undefined
  readonly port: number
  readonly hostname: string
  readonly raw: Record<string, RawRoute>
  readonly fetch: (request: Request) => Response | Promise<Response>
}

type AppEnv = { Variables: { greeting: string } }

/** The fixture's hub mounted in a Hono app that owns its server, on the runtime this runs on. */
export function serveHono(
  hub: FixtureHub,
  options: HonoServerOptions,
): RotundaServer {
  const app = new Hono<AppEnv>()
  app.use(async (context, next) => {
    context.set('greeting', 'hello')
    await next()
  })
  const greeter = rawService<string>((connection) => connection.send(connection.metadata))
  const greeting = withContext(greeter, (context: Context<AppEnv>) => context.get('greeting'))
  const { inspector, fallback = {} } = options
  app.route('/', realtime(hub, { raw: { ...options.raw, '/raw/context': greeting }, inspector, fallback }))
  app.notFound((context) => options.fetch(context.req.raw))
  const { port, hostname } = options
  const server = 'Deno' in globalThis ? serveOnDeno(app, port, hostname) : serveOnBun(app, hub, options)
  return {
    port: server.port,
    url: new URL(`http://${hostname}:${server.port}/`),
    stop: async (how) => {
      await hub.close(how)
      await server.stop()
    },
  }
}

function serveOnBun(app: Hono<AppEnv>, hub: FixtureHub, options: HonoServerOptions): Stoppable {
  const { port, hostname, mistake, compression = false } = options
  const { websocket } = bunHandlers(hub, { compression })
  const server = mistake === 'no websocket'
    ? Bun.serve({ port, hostname, fetch: app.fetch })
    : mistake === 'no server'
    ? Bun.serve({ port, hostname, fetch: (request) => app.fetch(request), websocket })
    : Bun.serve({ port, hostname, fetch: app.fetch, websocket })
  return { port: server.port ?? port, stop: () => server.stop(true) }
}

interface DenoServe {
  serve(
    options: { port: number; hostname: string; onListen: () => void },
    handler: (request: Request, info: object) => Response | Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void> }
}

function serveOnDeno(app: Hono<AppEnv>, port: number, hostname: string): Stoppable {
  const { Deno } = globalThis as unknown as { Deno: DenoServe }
  const server = Deno.serve({ port, hostname, onListen: () => {} }, app.fetch)
  return { port: server.addr.port, stop: () => server.shutdown() }
}
