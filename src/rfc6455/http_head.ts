import { quote } from '../protocol/names.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'

/** Most bytes of a head where no limit is given. */
export const MAX_HTTP_HEAD = 16_384

/** The beginning of an HTTP request. */
export interface RequestHead {
  readonly method: string
  /** As written: a path and query, as a rule. */
  readonly target: string
  readonly headers: Headers
  /** Bytes of the head with its empty line. What follows is the body, or frames. */
  readonly size: number
}

/** The beginning of an HTTP response. */
export interface ResponseHead {
  readonly status: number
  readonly reason: string
  readonly headers: Headers
  /** Bytes of the head with its empty line. What follows is the body, or frames. */
  readonly size: number
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.1$/
const STATUS_LINE = /^HTTP\/1\.1 (\d{3})(?: ([\t\x20-\x7e\x80-\xff]*))?$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/

/**
 * Reads the head of a request; undefined while not all of it is there.
 * @throws {RotundaError} `invalid_handshake`: it is no head of HTTP/1.1, or larger than `maxSize` bytes.
 */
export function parseRequestHead(bytes: Uint8Array, maxSize: number = MAX_HTTP_HEAD): RequestHead | undefined {
  const head = linesOf(bytes, maxSize)
  if (head === undefined) return undefined
  const [, method, target] = REQUEST_LINE.exec(head.first) ?? []
  if (method === undefined || target === undefined) {
    throw new RotundaError('invalid_handshake', `${quote(head.first)} does not begin an HTTP/1.1 request.`)
  }
  return { method, target, headers: headersOf(head.fields), size: head.size }
}

/**
 * Reads the head of a response; undefined while not all of it is there.
 * @throws {RotundaError} `invalid_handshake`: it is no head of HTTP/1.1, or larger than `maxSize` bytes.
 */
export function parseResponseHead(bytes: Uint8Array, maxSize: number = MAX_HTTP_HEAD): ResponseHead | undefined {
  const head = linesOf(bytes, maxSize)
  if (head === undefined) return undefined
  const [line, status, reason = ''] = STATUS_LINE.exec(head.first) ?? []
  if (line === undefined) {
    throw new RotundaError('invalid_handshake', `${quote(head.first)} does not begin an HTTP/1.1 response.`)
  }
  return { status: Number(status), reason, headers: headersOf(head.fields), size: head.size }
}

/**
 * A head as bytes: its first line, and the headers that are not undefined.
 * @throws {RotundaError} `invalid_handshake`: a line break where none may be.
 */
export function encodeHttpHead(first: string, headers: Readonly<Record<string, string | undefined>>): Uint8Array {
  let text = `${oneLine(first)}\r\n`
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) text += `${oneLine(name)}: ${oneLine(value)}\r\n`
  }
  return new TextEncoder().encode(`${text}\r\n`)
}

function linesOf(bytes: Uint8Array, maxSize: number): { first: string; fields: string[]; size: number } | undefined {
  const size = endOf(bytes, maxSize)
  if (size === 0) {
    if (bytes.length < maxSize) return undefined
    throw new RotundaError('invalid_handshake', `The head is larger than ${maxSize} bytes.`)
  }
  const [first = '', ...fields] = latin1(bytes.subarray(0, size - 4)).split('\r\n')
  return { first, fields, size }
}

/** The size of a head with its empty line; 0 where that has not come, or not within the limit. */
function endOf(bytes: Uint8Array, maxSize: number): number {
  const end = Math.min(bytes.length, maxSize)
  for (let i = bytes.indexOf(10, 3); i >= 0 && i < end; i = bytes.indexOf(10, i + 1)) {
    if (bytes[i - 1] === 13 && bytes[i - 2] === 10 && bytes[i - 3] === 13) return i + 1
  }
  return 0
}

function headersOf(fields: readonly string[]): Headers {
  const headers = new Headers()
  for (const field of fields) {
    const [, name, value] = FIELD.exec(field) ?? []
    if (name === undefined) throw new RotundaError('invalid_handshake', `${quote(field)} is no header.`)
    headers.append(name, value ?? '')
  }
  return headers
}

/** A byte a character, as HTTP has it. TextDecoder's latin1 is another encoding. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  // In pieces: a call has a limit of arguments.
  for (let i = 0; i < bytes.length; i += 8_192) text += String.fromCharCode(...bytes.subarray(i, i + 8_192))
  return text
}

function oneLine(text: string): string {
  if (!/[\r\n\0]/.test(text)) return text
  throw new RotundaError('invalid_handshake', `${quote(text)} has a line break or a zero.`)
}
