import type { Contract } from '../protocol/contract.ts'
import { asRotundaError } from '../protocol/errors.ts'
import {
  type Caller,
  CURSOR_HEADER,
  FALLBACK_ENDPOINTS,
  type FallbackEndpoint,
  fallbackOf,
  type FallbackOptions,
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
  return async (endpoint, request, caller = UNKNOWN_CALLER, metadata) => {
    const origin = allowedOrigin(request, hub, fallback.origins)
    if (request.method === 'OPTIONS' && origin !== undefined) return answerPreflight(origin)
    const response = await answer()
    if (origin !== undefined) { for (const [name, value] of forOrigin(origin)) response.headers.set(name, value) }
    return response

    async function answer(): Promise<Response> {
      try {
        const url = urlOf(request)
        const entering = { metadata, addressOf: () => caller.address, origins: fallback.origins }
        const admit = (opens = false) => hub.admit(request, { ...entering, opens })
        return await fallback.answer(endpoint, { request, url, caller, admit })
      } catch (thrown) {
        const error = asRotundaError(thrown)
        if (error.code === 'internal') hub.report(thrown)
        hub.refused(error.code)
        return errorResponse(error)
      }
    }
  }
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
