import { toBase64 } from '../protocol/base64.ts'
import { quote } from '../protocol/names.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { encodeHttpHead, type RequestHead, type ResponseHead } from './http_head.ts'
import { sha1 } from './sha1.ts'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[+/0-9A-Za-z]{22}==$/

/** Headers by name that replace those which are made, in whatever case, or are added; undefined leaves one out. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>

/** What a request to become a WebSocket says. */
export interface RequestOptions {
  /** With the port, where it is not the standard one. */
  readonly host: string
  /** Path and query. Default `/`. */
  readonly path?: string | undefined
  /** Default: a new one. */
  readonly key?: string | undefined
  /** Subprotocols to offer, the preferred one first. Default: none. */
  readonly protocols?: readonly string[] | undefined
  /** Default `GET`; everything else is refused by servers. */
  readonly method?: string | undefined
  readonly headers?: HeaderChanges | undefined
}

/** What a server answers. */
export interface ResponseOptions {
  /** The subprotocol chosen. Default: none. */
  readonly protocol?: string | undefined
  readonly headers?: HeaderChanges | undefined
}

/** What a client asks for with a request that may become a WebSocket. */
export interface HandshakeRequest {
  readonly key: string
  /** Subprotocols on offer, the preferred one first. */
  readonly protocols: readonly string[]
  /** Extensions on offer, each with its parameters. */
  readonly extensions: readonly string[]
}

/** What a client has asked for. */
export interface Asked {
  readonly key: string
  readonly protocols?: readonly string[] | undefined
  /** Names of extensions that were offered. Default: none. */
  readonly extensions?: readonly string[] | undefined
}

/** What both sides have agreed on. */
export interface HandshakeResponse {
  /** The subprotocol chosen, if any. */
  readonly protocol: string | undefined
  /** The extensions in use, each with its parameters. */
  readonly extensions: readonly string[]
}

/** A new `Sec-WebSocket-Key`: 16 random bytes in base64. */
export function newKey(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(16)))
}

/**
 * The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
 *
 * @example
 * ```ts
 * acceptKey('dGhlIHNhbXBsZSBub25jZQ==') // 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
 * ```
 */
export function acceptKey(key: string): string {
  return toBase64(sha1(new TextEncoder().encode(key + GUID)))
}

/**
 * The bytes of a client's handshake. `headers` can also make it a wrong one.
 * @throws {RotundaError} `invalid_handshake`: a line break where none may be.
 */
export function handshakeRequest(options: RequestOptions): Uint8Array {
  const { host, path = '/', key = newKey(), protocols = [], method = 'GET', headers } = options
  const made = {
    Host: host,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Protocol': protocols.length > 0 ? protocols.join(', ') : undefined,
  }
  return encodeHttpHead(`${method} ${path} HTTP/1.1`, changed(made, headers))
}

/**
 * The bytes of the answer `101 Switching Protocols`. `headers` can also make it a wrong one.
 * @throws {RotundaError} `invalid_handshake`: a line break where none may be.
 */
export function handshakeResponse(key: string, { protocol, headers }: ResponseOptions = {}): Uint8Array {
  const made = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': acceptKey(key),
    'Sec-WebSocket-Protocol': protocol,
  }
  return encodeHttpHead('HTTP/1.1 101 Switching Protocols', changed(made, headers))
}

/**
 * Checks that a request may become a WebSocket (RFC 6455 §4.2.1).
 * @throws {RotundaError} `invalid_handshake`, or `unsupported_version` where the version is not 13.
 */
export function checkRequest(head: Pick<RequestHead, 'method' | 'headers'>): HandshakeRequest {
  const asked = checkUpgradeRequest(head)
  if (!head.headers.has('host')) throw refused('Header "Host" is missing.')
  return asked
}

/** The same for a request whose host is looked at elsewhere. */
export function checkUpgradeRequest({ method, headers }: Pick<RequestHead, 'method' | 'headers'>): HandshakeRequest {
  if (method !== 'GET') throw refused(`A WebSocket handshake is a GET request, not ${quote(method)}.`)
  checkUpgrade(headers)
  const version = headers.get('sec-websocket-version')
  if (version !== '13') {
    throw new RotundaError('unsupported_version', `Header "Sec-WebSocket-Version" is ${quote(version)}; it must be 13.`)
  }
  const key = headers.get('sec-websocket-key') ?? ''
  if (!KEY.test(key)) throw refused('Header "Sec-WebSocket-Key" must be 16 bytes in base64.')
  return { key, protocols: list(headers, 'sec-websocket-protocol'), extensions: list(headers, EXTENSIONS) }
}

/**
 * Checks that a response makes the connection a WebSocket, with nothing that was not asked for (RFC 6455 §4.1).
 * @throws {RotundaError} `invalid_handshake`
 */
export function checkResponse(head: Pick<ResponseHead, 'status' | 'headers'>, asked: Asked): HandshakeResponse {
  const { status, headers } = head
  if (status !== 101) throw refused(`The handshake was answered with ${status}; it must be 101.`)
  checkUpgrade(headers)
  const accept = headers.get('sec-websocket-accept')
  if (accept !== acceptKey(asked.key)) {
    throw refused(`Header "Sec-WebSocket-Accept" is ${quote(accept)}: not of the key.`)
  }
  const protocol = headers.get('sec-websocket-protocol') ?? undefined
  if (protocol !== undefined && asked.protocols?.includes(protocol) !== true) {
    throw refused(`Subprotocol ${quote(protocol)} was not asked for.`)
  }
  const extensions = list(headers, EXTENSIONS)
  for (const extension of extensions) {
    const name = extension.split(';', 1)[0]!.trim()
    if (asked.extensions?.includes(name) !== true) throw refused(`Extension ${quote(name)} was not asked for.`)
  }
  return { protocol, extensions }
}

const EXTENSIONS = 'sec-websocket-extensions'

function checkUpgrade(headers: Headers): void {
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') throw refused('Header "Upgrade" must be "websocket".')
  if (!list(headers, 'connection').some((token) => token.toLowerCase() === 'upgrade')) {
    throw refused('Header "Connection" must include "Upgrade".')
  }
}

function list(headers: Headers, name: string): string[] {
  return (headers.get(name) ?? '').split(',').map((token) => token.trim()).filter((token) => token !== '')
}

function changed(made: HeaderChanges, changes: HeaderChanges = {}): HeaderChanges {
  const named = Object.keys(changes).map((name) => name.toLowerCase())
  const kept = Object.entries(made).filter(([name]) => !named.includes(name.toLowerCase()))
  return { ...Object.fromEntries(kept), ...changes }
}

function refused(message: string): RotundaError {
  return new RotundaError('invalid_handshake', message)
}
