import { ERRORS, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { checkUpgradeRequest } from '../rfc6455/handshake.ts'

/** What passes by itself, where a connection or request is refused for it. */
const RETRY_LATER: ReadonlySet<string> = new Set(['connection_limit', 'shutting_down', 'quota_exceeded', 'overloaded'])

/**
 * The URL of a request. A hostile `Host` header makes it one that cannot be read.
 * @throws {RotundaError} `invalid_frame`
 */
export function urlOf(request: Request): URL {
  if (URL.canParse(request.url)) return new URL(request.url)
  throw new RotundaError('invalid_frame', `The request's URL ${quote(request.url)} is not one.`)
}

/**
 * Checks that a request may become a WebSocket (RFC 6455 §4.2.1) and lists the subprotocols it offers.
 * @throws {RotundaError} `invalid_handshake`, `unsupported_version`, `invalid_frame`
 */
export function checkHandshake(request: Request): readonly string[] {
  urlOf(request)
  return checkUpgradeRequest(request).protocols
}

/** An error as an HTTP answer, with the status the error table gives. */
export function errorResponse(error: RotundaError): Response {
  const { code, message, retryable } = error
  const headers = new Headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  if (code === 'unsupported_version') headers.set('sec-websocket-version', '13')
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer')
  if (RETRY_LATER.has(code)) headers.set('retry-after', '5')
  const body = { type: 'error', payload: { code, message, retryable } }
  return Response.json(body, { status: ERRORS[code].status, headers })
}

/** The answer to a request for what is not there. */
export function notFound(request: Request): Response {
  const path = URL.canParse(request.url) ? new URL(request.url).pathname : request.url
  return errorResponse(new RotundaError('not_found', `There is nothing at ${quote(path)}.`))
}
