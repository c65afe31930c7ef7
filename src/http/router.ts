import type { Contract } from '../protocol/contract.ts'
import type { Hub } from '../hub/mod.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { answerHealth, answerHistory, type Handshake, handshake } from './endpoints.ts'
import { errorResponse } from './handshake.ts'

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
    // A hostile `Host` header makes a request's URL one that cannot be read.
    if (!URL.canParse(request.url)) {
      return errorResponse(new RotundaError('invalid_frame', `The request's URL ${quote(request.url)} is not one.`))
    }
    const { pathname } = new URL(request.url)
    if (pathname === socket) return handshake(hub, request)
    if (pathname === health) return answerHealth(hub)
    if (!pathname.startsWith(rooms) || !pathname.endsWith('/history')) return undefined
    return answerHistory(hub, request, pathname.slice(rooms.length, -'/history'.length))
  }
}
