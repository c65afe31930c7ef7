import type { Contract } from '../protocol/contract.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { historyText, type Hub } from '../hub/mod.ts'
import { checkHandshake, errorResponse, urlOf } from './handshake.ts'

/** What a transport is told to make of a request that becomes a WebSocket. */
export interface Upgrade<M> {
  /** To be answered in `Sec-WebSocket-Protocol`, where one was chosen. */
  readonly subprotocol: string | undefined
  readonly metadata: M
}

/** Whether a handshake is accepted, and else what to answer. */
export type Handshake<M> = { readonly upgrade: Upgrade<M> } | { readonly response: Response }

/** Makes a session's metadata from what opens it. May refuse by throwing a RotundaError. */
export type MetadataFactory<M> = (request: Request) => M | Promise<M>

/**
 * Decides about a WebSocket handshake.
 * @param metadata Used in place of the hub's own `metadata` option.
 */
export function handshake<C extends Contract, M>(
  hub: Hub<C, M>,
  request: Request,
  metadata: MetadataFactory<M> = (opening) => hub.metadataFor(opening),
): Handshake<M> | Promise<Handshake<M>> {
  const refuse = (thrown: unknown): Handshake<M> => {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') hub.report(thrown)
    return { response: errorResponse(error) }
  }
  try {
    const subprotocol = hub.chooseSubprotocol(checkHandshake(request))
    const refusal = hub.refusal()
    if (refusal !== undefined) return refuse(refusal)
    const made = metadata(request)
    if (!(made instanceof Promise)) return { upgrade: { subprotocol, metadata: made } }
    return made.then((metadata) => ({ upgrade: { subprotocol, metadata } }), refuse)
  } catch (error) {
    return refuse(error)
  }
}

/** Says whether this node takes connections: 200, or 503 with the reason in `status`. */
export function answerHealth<C extends Contract, M>(hub: Hub<C, M>): Response {
  const refusal = hub.refusal()
  const { sessions, rooms, waiting, commits } = hub.metrics
  const status = refusal === undefined ? 'ok' : refusal.code
  const body = { status, node: hub.node, epoch: hub.epoch, sessions, rooms, waiting, commits }
  return Response.json(body, { status: refusal === undefined ? 200 : 503, headers: { 'cache-control': 'no-store' } })
}

/**
 * Answers a page of a room's log; the request's `before`, `after` and `limit` parameters say which.
 * @param roomOf Finds the room's name in the path, as it was sent.
 */
export async function answerHistory<C extends Contract, M>(
  hub: Hub<C, M>,
  request: Request,
  roomOf: (pathname: string) => string,
): Promise<Response> {
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      throw new RotundaError('method_not_allowed', `History is read with GET, not ${quote(request.method)}.`)
    }
    const { pathname, searchParams } = urlOf(request)
    const room = decodeRoom(roomOf(pathname))
    await hub.authorizeRequest(request, 'history', room)
    const history = await hub.room(room).history(readParameters(searchParams))
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
    return new Response(historyText(history), { headers })
  } catch (thrown) {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') hub.report(thrown)
    return errorResponse(error)
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
