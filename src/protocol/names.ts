import { RotundaError } from './rotunda_error.ts'

/** Longest room name, in UTF-16 code units. */
export const MAX_ROOM_NAME = 128
/** Longest event type, in characters. */
export const MAX_TYPE_NAME = 128
/** Longest producer key, in UTF-16 code units. */
export const MAX_PRODUCER_KEY = 128
/** Longest request reference (`ref`), in UTF-16 code units. */
export const MAX_REF = 64

// deno-lint-ignore no-control-regex -- control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/
const TYPE_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]*$/

/** Whether a text has no control characters and no half of a surrogate pair, which databases do not keep. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text) && text.isWellFormed()
}

/** Quotes a value inside a message without letting it grow the message or hide characters. */
export function quote(value: unknown): string {
  // A client's object may have a `toString` that is no function.
  const text = typeof value === 'object' && value !== null
    ? (Array.isArray(value) ? 'a list' : 'an object')
    : String(value)
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 61)}...` : text)
}

/**
 * Checks a room name: 1 to 128 characters, no control characters, well-formed Unicode.
 * @throws {RotundaError} `invalid_room`
 */
export function checkRoomName(room: unknown): string {
  if (typeof room !== 'string') {
    throw new RotundaError('invalid_room', `A room name must be a string, not ${room === null ? 'null' : typeof room}.`)
  }
  if (room.length === 0) throw new RotundaError('invalid_room', 'A room name must not be empty.')
  if (room.length > MAX_ROOM_NAME) {
    throw new RotundaError('invalid_room', `Room ${quote(room)} is longer than ${MAX_ROOM_NAME} characters.`)
  }
  if (!isPrintable(room)) {
    throw new RotundaError('invalid_room', `Room ${quote(room)} has control characters or broken Unicode.`)
  }
  return room
}

/** Whether a string can be an event type: a letter, then letters, digits and `_ . : -`, at most 128 characters. */
export function isTypeName(type: string): boolean {
  return type.length <= MAX_TYPE_NAME && TYPE_NAME.test(type)
}

/**
 * Checks a producer key: 1 to 128 characters, no control characters, well-formed Unicode.
 * @throws {RotundaError} `invalid_key`
 */
export function checkProducerKey(key: unknown): string {
  const fits = typeof key === 'string' && key.length > 0 && key.length <= MAX_PRODUCER_KEY
  // A database stores every broken surrogate as the same replacement character: two keys would be one.
  if (!fits || UNPRINTABLE.test(key) || !key.isWellFormed()) {
    throw new RotundaError(
      'invalid_key',
      `Producer key ${quote(key)} must be 1 to ${MAX_PRODUCER_KEY} printable characters.`,
    )
  }
  return key
}

/** How a subprotocol begins that a client offers to prove itself with: its token follows. It is never chosen. */
export const TOKEN_SUBPROTOCOL = 'rotunda.token.'
