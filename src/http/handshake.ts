import { ERRORS, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'

/** What passes by itself, where a connection or request is refused for it. */
const RETRY_LATER: ReadonlySet<string> = new Set(['connection_limit', 'shutting_down', 'quota_exceeded', 'overloaded'])
const KEY = /^[+/0-9A-Za-z]{22}==$/

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
export function checkHandshake(request: Request): string[] {
  urlOf(request)
  const { headers } = request
  if (request.method !== 'GET') {
    throw new RotundaError('invalid_handshake', `A WebSocket handshake is a GET request, not ${quote(request.method)}.`)
  }
  if (headers.get('upgrade')?.trim().toLowerCase() !== 'websocket') {
    throw new RotundaError('invalid_handshake', 'Header "Upgrade" must be "websocket".')
  }
  if (!listOf(headers.get('connection')).some((token) => token.toLowerCase() === 'upgrade')) {
    throw new RotundaError('invalid_handshake', 'Header "Connection" must include "Upgrade".')
  }
  if (headers.get('sec-websocket-version')?.trim() !== '13') {
    const version = headers.get('sec-websocket-version')
    throw new RotundaError('unsupported_version', `Header "Sec-WebSocket-Version" is ${quote(version)}; it must be 13.`)
  }
  if (!KEY.test(headers.get('sec-websocket-key')?.trim() ?? '')) {
    throw new RotundaError('invalid_handshake', 'Header "Sec-WebSocket-Key" must be 16 bytes in base64.')
  }
  return listOf(headers.get('sec-websocket-protocol'))
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

function listOf(header: string | null): string[] {
  return header === null ? [] : header.split(',').map((token) => token.trim()).filter((token) => token !== '')
}
