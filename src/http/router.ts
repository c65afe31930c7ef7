import type { Contract } from '../protocol/contract.ts'
import type { Caller, FallbackOptions } from '../fallback/mod.ts'
import type { Hub } from '../hub/mod.ts'
import type { InspectorOptions } from '../inspector/mod.ts'
import { asRotundaError } from '../protocol/errors.ts'
import { answerHealth, answerHistory, type Handshake, handshake } from './endpoints.ts'
import { fallbackAnswers, fallbackPaths } from './fallback_routes.ts'
import { errorResponse, urlOf } from './handshake.ts'
import { inspectorRoute } from './inspector_routes.ts'
import { type RawRoute, rawTargets } from './raw_routes.ts'

/** An answer, an upgrade, or undefined when the path is not one of rotunda's. */
export type Routed =
  | Handshake
  | Promise<Handshake>
  | Promise<Response>
  | Response
  /** May take long: who waits for it should keep nothing of the request. */
  | { readonly answer: Promise<Response> }
  | undefined

/** Where rotunda's endpoints are. */
export interface RouteOptions {
  /** Put before each path, such as `/realtime`. Default: nothing. */
  readonly base?: string
  /** Path of the WebSocket. Default `/ws`. */
  readonly path?: string
  /**
   * Whether `GET /rooms/:room/history` is answered, to who may read the room: see the hub's `authenticate` and `authorize`.
   * Default true; false leaves the path to the application.
   */
  readonly history?: boolean
  /** Raw services by the path of their WebSocket, as in `{ '/raw': rawService(…) }`. Default: none. */
  readonly raw?: Readonly<Record<string, RawRoute>>
  /**
   * SSE and long polling at `/sse`, `/poll` and `/send`, for where a WebSocket cannot be had; see
   * {@link FallbackOptions}. False leaves the paths to the application.
   */
  readonly fallback?: FallbackOptions | false
  /**
   * A page at `/inspector` that shows live what this node has and does, for who may see it; see {@link InspectorOptions}.
   * Default: none.
   */
  readonly inspector?: InspectorOptions | undefined
}

/**
 * Makes the function that answers every HTTP request to a hub: the WebSocket handshake, `GET /rooms/:room/history`,
 * `GET /health`, SSE and long polling, and the handshakes of raw services beside it.
 * @throws {RotundaError} `invalid_config` for a raw service that cannot be where it is to be, and an inspector that
 * is not protected.
 */
export function createRouter<C extends Contract, M>(
  hub: Hub<C, M>,
  { base = '', path = '/ws', history = true, raw = {}, fallback, inspector }: RouteOptions = {},
): (request: Request, callerOf?: () => Caller) => Routed {
  const socket = base + path
  const health = `${base}/health`
  const rooms = `${base}/rooms/`
  const endpoints = fallback === false ? new Map<string, never>() : fallbackPaths(base)
  const inspected = `${base}/inspector`
  const inspect = inspector === undefined ? undefined : inspectorRoute(hub, inspector)
  const own = [socket, health, ...endpoints.keys(), ...inspect === undefined ? [] : [inspected]]
  const targets = rawTargets(hub, base, raw, own)
  const answerFallback = fallback === false ? undefined : fallbackAnswers(hub, fallback)
  return (request, callerOf) => {
    const pathname = pathOf(request)
    if (pathname instanceof Response) return pathname
    const addressOf = callerOf === undefined ? undefined : () => callerOf().address
    if (pathname === socket) return handshake(hub, request, { addressOf })
    if (pathname === health) return answerHealth(hub)
    const endpoint = endpoints.get(pathname)
    if (endpoint !== undefined) return { answer: answerFallback!(endpoint, request, callerOf?.()) }
    if (inspect !== undefined && `${pathname}/`.startsWith(`${inspected}/`)) {
      return inspect(request, pathname.slice(inspected.length), addressOf)
    }
    const target = targets.get(pathname)
    if (target !== undefined) return handshake(target, request, { addressOf })
    if (history === false || !pathname.startsWith(rooms) || !pathname.endsWith('/history')) return undefined
    const room = pathname.slice(rooms.length, -'/history'.length)
    // A slash in a room's name is sent encoded; `/rooms/a/b/history` is somebody else's path.
    return room.includes('/') ? undefined : answerHistory(hub, request, () => room)
  }
}

function pathOf(request: Request): string | Response {
  try {
    return urlOf(request).pathname
  } catch (error) {
    return errorResponse(asRotundaError(error))
  }
}
