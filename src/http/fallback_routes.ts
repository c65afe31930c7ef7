import type { Contract } from '../protocol/contract.ts'
import { asRotundaError } from '../protocol/errors.ts'
import {
  type Asked,
  type Caller,
  CURSOR_HEADER,
  type Fallback,
  FALLBACK_ENDPOINTS,
  type FallbackEndpoint,
  fallbackOf,
  type FallbackOptions,
  type Later,
  SESSION_HEADER,
  UNKNOWN_CALLER,
} from '../fallback/mod.ts'
import type { Hub, MetadataFactory } from '../hub/mod.ts'
import { errorResponse, urlOf } from './handshake.ts'

/** Answers a request to one of the endpoints of SSE and long polling. */
export type AnswerFallback<M> = (
  endpoint: FallbackEndpoint,
  request: Request,
  caller?: Caller,
  metadata?: MetadataFactory<M>,
) => Promise<Response>

/**
 * SSE and long polling of a hub: what answers its endpoints, which belong at `/sse`, `/poll` and `/send` below the base.
 * @throws {RotundaError} `invalid_config`
 */
export function fallbackAnswers<C extends Contract, M>(hub: Hub<C, M>, options?: FallbackOptions): AnswerFallback<M> {
  const fallback = fallbackOf(hub, options)
  const refuse = (thrown: unknown): Response => {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') hub.report(thrown)
    return errorResponse(error)
  }
  // What waits keeps nothing of what came before.
  const settle = (made: Response | Later) => made instanceof Response ? made : made(refuse)
  return (endpoint, request, caller = UNKNOWN_CALLER, metadata) => {
    const origin = allowedOrigin(request, hub, fallback.origins)
    if (request.method === 'OPTIONS' && origin !== undefined) return Promise.resolve(answerPreflight(origin))
    const entering = { metadata, addressOf: () => caller.address, origins: fallback.origins }
    const admit = (opens = false) => hub.admit(request, { ...entering, opens })
    const made = prepare(fallback, endpoint, { request, caller, admit }).then(settle, refuse)
    return origin === undefined ? made : made.then((response) => readableFrom(origin, response))
  }
}

async function prepare<C extends Contract, M>(
  fallback: Fallback<C, M>,
  endpoint: FallbackEndpoint,
  asked: Omit<Asked<M>, 'url'>,
): Promise<Response | Later> {
  return await fallback.answer(endpoint, { ...asked, url: urlOf(asked.request) })
}

function readableFrom(origin: string, response: Response): Response {
  for (const [name, value] of forOrigin(origin)) response.headers.set(name, value)
  return response
}

/** The endpoints by their whole path. */
export function fallbackPaths(base: string): ReadonlyMap<string, FallbackEndpoint> {
  return new Map(FALLBACK_ENDPOINTS.map((endpoint) => [`${base}/${endpoint}`, endpoint]))
}

/** The origin that is told that it may read the answer; `*` where all may, but none with its cookies. */
function allowedOrigin<C extends Contract, M>(
  request: Request,
  { entrance }: Hub<C, M>,
  more: ReadonlySet<string>,
): string | undefined {
  const origin = request.headers.get('origin')
  if (origin === null) return undefined
  if (more.has(origin) || entrance.origins.names(origin)) return origin
  return entrance.origins.isAny ? '*' : undefined
}

/** What lets a page of another origin read the answer, and send the cookies that its user has here. */
function forOrigin(origin: string): [name: string, value: string][] {
  return [
    ['access-control-allow-origin', origin],
    ['access-control-expose-headers', CURSOR_HEADER],
    ...(origin === '*' ? [] : [['access-control-allow-credentials', 'true'], ['vary', 'Origin']] as [string, string][]),
  ]
}

function answerPreflight(origin: string): Response {
  const headers = new Headers(forOrigin(origin))
  headers.set('access-control-allow-methods', 'GET, POST, DELETE')
  headers.set('access-control-allow-headers', `Content-Type, Last-Event-ID, Authorization, ${SESSION_HEADER}`)
  headers.set('access-control-max-age', '600')
  return new Response(null, { status: 204, headers })
}
