import { type Context, type Env, Hono } from 'hono'
import {
  answerHealth,
  answerHistory,
  type Contract,
  errorResponse,
  handshake,
  type Hub,
  RotundaError,
  type Upgrade,
} from '../../src/mod.ts'
import type { BunServer } from '../bun/runtime.ts'
import { upgradeTo } from '../bun/upgrade.ts'
import type { DenoServeInfo } from '../deno/runtime.ts'
import { denoUpgrade } from '../deno/upgrade.ts'

/** How a hub is mounted in a Hono app. */
export interface RealtimeOptions<M, E extends Env> {
  /** Path of the WebSocket below the mount point. Default `/ws`. */
  readonly path?: string
  /** Whether `GET …/rooms/:room/history` is mounted; protect it with middleware. Default true. */
  readonly history?: boolean
  /**
   * Makes a session's metadata from the Hono context, where middleware has left its results. Used in place of the hub's
   * own `metadata` option. A RotundaError that it throws refuses the connection.
   */
  readonly metadata?: (context: Context<E>) => M | Promise<M>
}

/**
 * A hub as a Hono app, to be mounted with `app.route`: WebSocket, `GET …/rooms/:room/history`, `GET …/health`. The
 * same on Bun and on Deno. It upgrades by itself: Hono's own WebSocket helper is not involved.
 *
 * On Bun the server must reach the app and have rotunda's WebSocket handlers: either `serve(hub, { fetch: app.fetch })`
 * of `rotunda/bun`, or `Bun.serve({ fetch: app.fetch, websocket: bunHandlers(hub).websocket })`. On Deno
 * `Deno.serve(app.fetch)` is enough.
 *
 * @example
 * ```ts
 * type Env = { Variables: { user: string } }
 * const app = new Hono<Env>()
 * app.use('/realtime/*', async (c, next) => { c.set('user', await userOf(c.req)); await next() })
 * app.route('/realtime', realtime(hub, { metadata: (c: Context<Env>) => ({ user: c.get('user') }) }))
 * ```
 */
export function realtime<C extends Contract, M, E extends Env = Env>(
  hub: Hub<C, M>,
  options: RealtimeOptions<M, E> = {},
): Hono<E> {
  const { path = '/ws', history = true, metadata } = options
  const upgrade = upgrader(hub)
  const app = new Hono<E>()
  app.all(path, async (context) => {
    const request = context.req.raw
    const decided = await handshake(hub, request, metadata === undefined ? undefined : () => metadata(context))
    if ('response' in decided) return decided.response
    try {
      return upgrade(context, decided.upgrade)
    } catch (error) {
      hub.report(error)
      return errorResponse(new RotundaError('internal', 'The server is not set up to upgrade this request.'))
    }
  })
  app.get('/health', () => answerHealth(hub))
  if (!history) return app
  // One segment, possibly empty: with a slash in it, middleware on `/rooms/:room/history` would be passed by.
  app.all('/rooms/:room{[^/]*}/history', (context) => {
    // Hono decodes parameters leniently; the name is taken as it was sent.
    return answerHistory(hub, context.req.raw, (pathname) => pathname.split('/').at(-2) ?? '')
  })
  return app
}

/** @throws {RotundaError} `invalid_config`, when called, where the runtime's server did not come with the request. */
function upgrader<C extends Contract, M>(
  hub: Hub<C, M>,
): (context: Context, upgrade: Upgrade<M>) => Response {
  if ('Deno' in globalThis) {
    const toDeno = denoUpgrade(hub)
    return (context, upgrade) => toDeno(context.req.raw, context.env as DenoServeInfo | undefined, upgrade)
  }
  // Bun takes the connection over and wants no answer; Hono wants one, and nobody sends it.
  return (context, upgrade) => upgradeTo(bunServer(context.env), hub, context.req.raw, upgrade) ?? new Response(null)
}

/** Hono on Bun has the server either as its environment or in it, depending on who called `fetch`. */
function bunServer(environment: unknown): BunServer {
  const { server } = (environment ?? {}) as { server?: BunServer }
  const found = server ?? environment as BunServer | undefined
  if (typeof found?.upgrade === 'function') return found
  throw new RotundaError(
    'invalid_config',
    'The Hono app was called without the server; use `fetch: app.fetch` or `fetch: (request, server) => app.fetch(request, server)`.',
  )
}
