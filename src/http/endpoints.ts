import type { Contract } from '../protocol/contract.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { type Admission, type Entering, historyText, type Hub, type Target } from '../hub/mod.ts'
import { checkHandshake, errorResponse, urlOf } from './handshake.ts'
import { TOKEN_SUBPROTOCOL } from '../protocol/names.ts'
import { AcceptedUpgrade, type Upgrade } from './upgrade.ts'

/** Whether a handshake is accepted, and else what to answer. */
export type Handshake = { readonly upgrade: Upgrade } | { readonly response: Response }

/**
 * Decides about a WebSocket handshake.
 * @param target A hub, or a raw service beside one.
 * @param entering Its address, and what makes its metadata in place of the target's own `metadata` option.
 */
export function handshake<M>(
  target: Target<M>,
  request: Request,
  entering: Entering<M> = {},
): Handshake | Promise<Handshake> {
  const refuse = (thrown: unknown): Handshake => {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') target.report(thrown)
    target.refused(error.code)
    return { response: errorResponse(error) }
  }
  try {
    // What proves who asks is nothing to choose, to answer, or to show to an application that chooses.
    const offered = checkHandshake(request).filter((name) => !name.startsWith(TOKEN_SUBPROTOCOL))
    const subprotocol = target.chooseSubprotocol(offered)
    const refusal = target.refusal()
    if (refusal !== undefined) return refuse(refusal)
    const accept = (admission: Admission<M>) => ({ upgrade: new AcceptedUpgrade(target, subprotocol, admission) })
    const admitted = target.admit(request, { ...entering, opens: true })
    return admitted instanceof Promise ? admitted.then(accept, refuse) : accept(admitted)
  } catch (error) {
    return refuse(error)
  }
}

/** Says whether this node takes connections: 200, or 503 with the reason in `status`. */
export function answerHealth<C extends Contract, M>(hub: Hub<C, M>): Response {
  const refusal = hub.refusal()
  const { sessions, rooms, waiting, commits } = hub.load
  const status = refusal === undefined ? 'ok' : refusal.code
  const connections = sessions + hub.companions.size
  const body = { status, node: hub.node, epoch: hub.epoch, connections, sessions, rooms, waiting, commits }
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
    // What fills a hole is what joining would have replayed.
    await hub.authorizeRequest(request, searchParams.has('after') ? 'replay' : 'history', room)
    const history = await hub.room(room).history(readParameters(searchParams))
    const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' }
    return new Response(historyText(history), { headers })
  } catch (thrown) {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') hub.report(thrown)
    hub.refused(error.code)
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
