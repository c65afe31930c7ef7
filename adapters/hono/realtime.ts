import { type Context, type Env, Hono } from 'hono'
import {
  answerHealth,
  answerHistory,
  type Caller,
  checkFreePath,
  type Contract,
  errorResponse,
  fallbackAnswers,
  type FallbackOptions,
  fallbackPaths,
  handshake,
  type Hub,
  type Identity,
  INSPECTOR_PATHS,
  type InspectorOptions,
  inspectorRoute,
  type MetadataFactory,
  RotundaError,
  type Target,
  type Upgrade,
} from '../../src/mod.ts'
import { bunCaller } from '../bun/caller.ts'
import type { BunServer } from '../bun/runtime.ts'
import { upgradeTo } from '../bun/upgrade.ts'
import { denoCaller } from '../deno/caller.ts'
import type { DenoServeInfo } from '../deno/runtime.ts'
import { denoUpgrade } from '../deno/upgrade.ts'
import type { HonoRawRoute } from './with_context.ts'

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
  readonly metadata?: (context: Context<E>, identity: Identity | undefined) => M | Promise<M>
  /**
   * Raw services by the path of their WebSocket below the mount point: as they are, or `withContext` for those whose
   * metadata is made from the Hono context. Default: none.
   */
  readonly raw?: Readonly<Record<string, HonoRawRoute<E>>>
  /** SSE and long polling at `…/sse`, `…/poll` and `…/send`; see {@link FallbackOptions}. False leaves them out. */
  readonly fallback?: FallbackOptions | false
  /** A live page at `…/inspector` for who may see it; see {@link InspectorOptions}. Default: none. */
  readonly inspector?: InspectorOptions | undefined
}

/**
 * A hub as a Hono app, to be mounted with `app.route`: WebSocket, SSE and long polling, `GET …/rooms/:room/history`,
 * `GET …/health`, and raw services. The same on Bun and on Deno. It upgrades by itself: Hono's own WebSocket helper is not involved.
 *
 * On Bun the server must reach the app and have rotunda's WebSocket handlers: either `serve(hub, { fetch: app.fetch })`
 * of `rotunda/bun`, or `Bun.serve({ fetch: app.fetch, websocket: bunHandlers(hub).websocket })`. On Deno
 * `Deno.serve(app.fetch)` is enough.
 *
 * @throws {RotundaError} `invalid_config` for a raw service that cannot be where it is to be.
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
  const { path = '/ws', history = true, metadata, raw = {}, fallback, inspector } = options
  const app = new Hono<E>()
  app.all(path, answerUpgrade<M, E>(hub, metadata))
  app.get('/health', () => answerHealth(hub))
  for (const [rawPath, route] of Object.entries(raw)) {
    checkFreePath(rawPath, [path, '/health', ...(fallback === false ? [] : fallbackPaths('').keys())])
    app.all(rawPath, answerUpgrade<unknown, E>(route.attach(hub), route.fromContext))
  }
  if (fallback !== false) mountFallback(app, hub, fallback, metadata)
  if (inspector !== undefined) mountInspector(app, hub, inspector)
  if (!history) return app
  // One segment, possibly empty: with a slash in it, middleware on `/rooms/:room/history` would be passed by.
  app.all('/rooms/:room{[^/]*}/history', (context) => {
    // Hono decodes parameters leniently; the name is taken as it was sent.
    return answerHistory(hub, context.req.raw, (pathname) => pathname.split('/').at(-2) ?? '')
  })
  return app
}

/** Mounts the inspector. What it does not have is refused by it too, to whoever may not see it in the same way. */
function mountInspector<C extends Contract, M, E extends Env>(
  app: Hono<E>,
  hub: Hub<C, M>,
  options: InspectorOptions,
): void {
  const route = inspectorRoute(hub, options)
  const answer = (context: Context<E>, path: string) => {
    return route(context.req.raw, path, () => addressIn(context))
  }
  for (const path of INSPECTOR_PATHS) app.all(`/inspector${path}`, (context) => answer(context, path))
  app.all('/inspector/*', (context) => answer(context, '/*'))
}

/** Mounts SSE and long polling. */
function mountFallback<C extends Contract, M, E extends Env>(
  app: Hono<E>,
  hub: Hub<C, M>,
  options: FallbackOptions | undefined,
  metadata: ((context: Context<E>, identity: Identity | undefined) => M | Promise<M>) | undefined,
): void {
  const answer = fallbackAnswers(hub, options)
  for (const [path, endpoint] of fallbackPaths('')) {
    app.all(path, (context) => {
      const made: MetadataFactory<M> | undefined = metadata === undefined
        ? undefined
        : (_, identity) => metadata(context, identity)
      try {
        return answer(endpoint, context.req.raw, callerOf(context), made)
      } catch (error) {
        hub.report(error)
        return errorResponse(new RotundaError('internal', 'The server is not set up to hold this request.'))
      }
    })
  }
}

/** @throws {RotundaError} `invalid_config` where the runtime's server did not come with the request. */
function callerOf(context: Context): Caller {
  if ('Deno' in globalThis) return denoCaller(context.env as DenoServeInfo | undefined)
  return bunCaller(bunServer(context.env), context.req.raw)
}

/** Empty in an app that was called without its server: who cannot be told apart is limited together. */
function addressIn(context: Context): string {
  try {
    return callerOf(context).address
  } catch {
    return ''
  }
}

/** Answers the requests that want to be WebSockets of a target. */
function answerUpgrade<M, E extends Env>(
  target: Target<M>,
  metadata: ((context: Context<E>, identity: Identity | undefined) => M | Promise<M>) | undefined,
): (context: Context<E>) => Promise<Response> {
  return async (context) => {
    const made: MetadataFactory<M> | undefined = metadata === undefined
      ? undefined
      : (_, identity) => metadata(context, identity)
    const addressOf = () => callerOf(context).address
    const decided = await handshake(target, context.req.raw, { metadata: made, addressOf })
    if ('response' in decided) return decided.response
    try {
      return upgrade(context, decided.upgrade)
    } catch (error) {
      target.report(error)
      return errorResponse(new RotundaError('internal', 'The server is not set up to upgrade this request.'))
    }
  }
}

/** @throws {RotundaError} `invalid_config` where the runtime's server did not come with the request. */
function upgrade(context: Context, accepted: Upgrade): Response {
  const request = context.req.raw
  if ('Deno' in globalThis) return denoUpgrade(request, context.env as DenoServeInfo | undefined, accepted)
  // Bun takes the connection over and wants no answer; Hono wants one, and nobody sends it.
  return upgradeTo(bunServer(context.env), request, accepted) ?? new Response(null)
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
