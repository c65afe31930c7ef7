import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { HistoryRequest, JoinRequest } from '../protocol/reserved.ts'

/** Most messages `room.join` replays for `last`. */
export const MAX_LAST = 10_000
/** Most messages one history answer holds. */
export const MAX_HISTORY = 200
const DEFAULT_HISTORY = 50
const ID = /^\d{20}$/

/**
 * Reads the payload of `room.join`.
 * @throws {RotundaError} `invalid_cursor`, `invalid_limit`, `invalid_payload`
 */
export function readJoinRequest(payload: unknown): JoinRequest {
  const { since, last } = readObject(payload)
  if (since !== undefined && last !== undefined) {
    throw new RotundaError('invalid_cursor', 'payload: "since" and "last" exclude each other.')
  }
  if (last !== undefined) return { last: readCount(last, 'payload.last', MAX_LAST) }
  if (since === undefined) return {}
  const cursor = typeof since === 'object' && since !== null ? since as Record<string, unknown> : {}
  const { epoch, seq } = cursor
  if (typeof epoch !== 'string' || !isSeq(seq)) {
    throw new RotundaError('invalid_cursor', 'payload.since must be {"epoch": string, "seq": whole number from 0}.')
  }
  return { since: { epoch, seq } }
}

/** A checked `room.history` request. */
export interface HistoryQuery {
  readonly before: string | undefined
  readonly after: number | undefined
  readonly limit: number
}

/**
 * Reads the payload of `room.history`, or the same given as URL parameters.
 * @throws {RotundaError} `invalid_cursor`, `invalid_limit`, `invalid_payload`
 */
export function readHistoryRequest(payload: unknown): HistoryQuery {
  const { before, after, limit } = readObject(payload) as { [K in keyof HistoryRequest]: unknown }
  if (before !== undefined && after !== undefined) {
    throw new RotundaError('invalid_cursor', 'payload: "before" and "after" exclude each other.')
  }
  if (before !== undefined && (typeof before !== 'string' || !ID.test(before))) {
    throw new RotundaError('invalid_cursor', `payload.before is ${quote(before)}; it must be an id of 20 digits.`)
  }
  if (after !== undefined && !isSeq(after)) {
    throw new RotundaError('invalid_cursor', `payload.after is ${quote(after)}; it must be a whole number from 0.`)
  }
  return {
    before,
    after,
    limit: limit === undefined ? DEFAULT_HISTORY : readCount(limit, 'payload.limit', MAX_HISTORY),
  }
}

/**
 * The room an envelope names.
 * @throws {RotundaError} `invalid_room` when it names none.
 */
export function roomOf({ type, room }: Envelope): string {
  if (room === undefined) throw new RotundaError('invalid_room', `${quote(type)} must name its room.`)
  return room
}

function readObject(payload: unknown): Record<string, unknown> {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    return payload as Record<string, unknown>
  }
  throw new RotundaError('invalid_payload', 'payload: must be an object')
}

function readCount(value: unknown, name: string, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new RotundaError('invalid_limit', `${name} is ${quote(value)}; it must be a whole number from 0 to ${most}.`)
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
