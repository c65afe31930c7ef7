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
}

/**
 * Makes the function that answers every HTTP request to a hub: the WebSocket handshake, `GET /rooms/:room/history`
 * and `GET /health`.
 */
export function createRouter<C extends Contract, M>(
  hub: Hub<C, M>,
  { base = '', path = '/ws' }: RouteOptions = {},
): (request: Request) => Routed<M> {
  const socket = base + path
  const health = `${base}/health`
  const rooms = `${base}/rooms/`
  return (request) => {
    const pathname = pathOf(request)
    if (pathname instanceof Response) return pathname
    if (pathname === socket) return handshake(hub, request)
    if (pathname === health) return answerHealth(hub)
    if (!pathname.startsWith(rooms) || !pathname.endsWith('/history')) return undefined
    return answerHistory(hub, request, (path) => path.slice(rooms.length, -'/history'.length))
  }
}

function pathOf(request: Request): string | Response {
  try {
    return urlOf(request).pathname
  } catch (error) {
    return errorResponse(asRotundaError(error))
  }
}
