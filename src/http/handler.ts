import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import type { Contract } from '../protocol/contract.ts'
import { quote } from '../protocol/names.ts'
import { historyText, type Hub } from '../hub/mod.ts'
import { checkHandshake, errorResponse } from './handshake.ts'

/** What a transport is told to make of a request that becomes a WebSocket. */
export interface Upgrade<M> {
  /** To be answered in `Sec-WebSocket-Protocol`, where one was chosen. */
  readonly subprotocol: string | undefined
  readonly metadata: M
}

/** An answer, an upgrade, or undefined when the path is not one of rotunda's. */
export type Routed<M> =
  | { readonly response: Response | Promise<Response> }
  | { readonly upgrade: Upgrade<M> }
  | undefined

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
    const url = new URL(request.url)
    try {
      if (url.pathname === socket) return { upgrade: acceptUpgrade(hub, request) }
      if (url.pathname === health) return { response: answerHealth(hub) }
      if (!url.pathname.startsWith(rooms) || !url.pathname.endsWith('/history')) return undefined
      const room = url.pathname.slice(rooms.length, -'/history'.length)
      return { response: answerHistory(hub, request, room, url.searchParams) }
    } catch (error) {
      return { response: errorResponse(asRotundaError(error)) }
    }
  }
}

function acceptUpgrade<C extends Contract, M>(hub: Hub<C, M>, request: Request): Upgrade<M> {
  const offered = checkHandshake(request)
  const refusal = hub.refusal()
  if (refusal !== undefined) throw refusal
  return { subprotocol: hub.chooseSubprotocol(offered), metadata: hub.metadataFor(request) }
}

function answerHealth<C extends Contract, M>(hub: Hub<C, M>): Response {
  const refusal = hub.refusal()
  const { sessions, rooms, waiting, commits } = hub.metrics
  const status = refusal === undefined ? 'ok' : refusal.code
  const body = { status, node: hub.node, epoch: hub.epoch, sessions, rooms, waiting, commits }
  return Response.json(body, { status: refusal === undefined ? 200 : 503, headers: { 'cache-control': 'no-store' } })
}

async function answerHistory<C extends Contract, M>(
  hub: Hub<C, M>,
  request: Request,
  encodedRoom: string,
  parameters: URLSearchParams,
): Promise<Response> {
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new RotundaError('invalid_frame', `History is read with GET, not ${quote(request.method)}.`)
    }
    const history = await hub.room(decodeRoom(encodedRoom)).history(readParameters(parameters))
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
    return new Response(historyText(history), { headers })
  } catch (error) {
    return errorResponse(asRotundaError(error))
  }
}

function decodeRoom(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch (cause) {
    throw new RotundaError('invalid_room', `Room ${quote(encoded)} is not URL-encoded UTF-8.`, { cause })
  }
}

/** Numbers as numbers; what is not one stays text, for the reader of the request to refuse by name. */
function readParameters(parameters: URLSearchParams): { before?: string; after?: number; limit?: number } {
  const number = (text: string) => (/^-?\d{1,16}$/.test(text) ? Number(text) : text) as number
  const request: { before?: string; after?: number; limit?: number } = {}
  const [before, after, limit] = ['before', 'after', 'limit'].map((name) => parameters.get(name))
  if (before != null) request.before = before
  if (after != null) request.after = number(after)
  if (limit != null) request.limit = number(limit)
  return request
}
