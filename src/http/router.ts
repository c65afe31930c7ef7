import type { Contract } from '../protocol/contract.ts'
import type { Hub } from '../hub/mod.ts'
import { asRotundaError } from '../protocol/errors.ts'
import { answerHealth, answerHistory, type Handshake, handshake } from './endpoints.ts'
import { errorResponse, urlOf } from './handshake.ts'

/** An answer, an upgrade, or undefined when the path is not one of rotunda's. */
export type Routed<M> = Handshake<M> | Promise<Handshake<M>> | Promise<Response> | Response | undefined

/** Where rotunda's endpoints are. */
export interface RouteOptions {
  /** Put before each path, such as `/realtime`. Default: nothing. */
  readonly base?: string
  /** Path of the WebSocket. Default `/ws`. */
  readonly path?: string
  /**
   * Whether `GET /rooms/:room/history` is answered, to anybody who asks: `metadata` decides about connections only.
   * Default true; false leaves the path to the application.
   */
  readonly history?: boolean
}

/**
 * Makes the function that answers every HTTP request to a hub: the WebSocket handshake, `GET /rooms/:room/history`
 * and `GET /health`.
 */
export function createRouter<C extends Contract, M>(
  hub: Hub<C, M>,
  { base = '', path = '/ws', history = true }: RouteOptions = {},
): (request: Request) => Routed<M> {
  const socket = base + path
  const health = `${base}/health`
  const rooms = `${base}/rooms/`
  return (request) => {
    const pathname = pathOf(request)
    if (pathname instanceof Response) return pathname
    if (pathname === socket) return handshake(hub, request)
    if (pathname === health) return answerHealth(hub)
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
