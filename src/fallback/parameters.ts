import { RotundaError } from '../protocol/errors.ts'
import { checkRoomName, quote } from '../protocol/names.ts'
import type { JoinRequest } from '../protocol/reserved.ts'
import { MAX_LAST } from '../hub/mod.ts'
import { parseCursor } from './cursor_text.ts'

/** A room that a URL names, and from where it is to be read. */
export interface PlacedRoom {
  readonly room: string
  readonly request: JoinRequest
}

/**
 * The rooms of a URL.
 * @param lastEventId What an EventSource that comes back says; it goes before the URL.
 * @param most Rooms that one session may be in.
 * @throws {RotundaError} `invalid_room`, `too_many_rooms`, `invalid_cursor`, `invalid_limit`
 */
export function readRooms(parameters: URLSearchParams, lastEventId: string | null, most: number): PlacedRoom[] {
  const rooms = parameters.getAll('room').map(checkRoomName)
  if (rooms.length > most) throw new RotundaError('too_many_rooms', `A session may be in ${most} rooms at once.`)
  if (new Set(rooms).size < rooms.length) throw new RotundaError('invalid_room', 'A room is named twice.')
  if (rooms.length === 0) return []
  const requests = lastEventId === null || lastEventId === ''
    ? readRequests(parameters, rooms.length)
    : fromCursor(lastEventId, rooms.length)
  return rooms.map((room, i) => ({ room, request: requests(i) }))
}

type Requests = (index: number) => JoinRequest

function readRequests(parameters: URLSearchParams, rooms: number): Requests {
  const [cursor, after, epoch, last] = ['cursor', 'after', 'epoch', 'last'].map((name) => parameters.get(name))
  if ([cursor, after, last].filter((value) => value != null).length > 1) {
    throw new RotundaError('invalid_cursor', '"cursor", "after" and "last" exclude each other.')
  }
  if (cursor != null) return fromCursor(cursor, rooms)
  if (last != null) {
    const count = wholeNumber('last', last, 0, MAX_LAST)
    return () => ({ last: count })
  }
  if (after == null) return () => ({})
  if (epoch == null || rooms !== 1) {
    throw new RotundaError('invalid_cursor', '"after" needs "epoch", and one "room"; for several use "cursor".')
  }
  const seq = /^\d{1,16}$/.test(after) ? Number(after) : NaN
  if (Number.isSafeInteger(seq)) return () => ({ since: { epoch, seq } })
  throw new RotundaError('invalid_cursor', `after is ${quote(after)}; it must be a whole number from 0.`)
}

function fromCursor(text: string, rooms: number): Requests {
  const { epoch, seqs } = parseCursor(text, rooms)
  return (index) => {
    const seq = seqs[index]
    return seq === undefined ? {} : { since: { epoch, seq } }
  }
}

/** How a poll wants to be answered. */
export interface PollParameters {
  /** Milliseconds. */
  readonly wait: number
  readonly max: number
}

const DEFAULT_MAX = 50
const LARGEST_MAX = 512

/** @throws {RotundaError} `invalid_limit` */
export function readPoll(parameters: URLSearchParams, maxWait: number): PollParameters {
  const wait = parameters.get('wait') ?? '0'
  const seconds = /^\d{1,6}(?:\.\d{1,6})?$/.test(wait) ? Number(wait) : NaN
  if (!(seconds <= maxWait)) {
    throw new RotundaError(
      'invalid_limit',
      `wait is ${quote(wait)}; it must be a number of seconds from 0 to ${maxWait}.`,
    )
  }
  const max = parameters.get('max')
  return { wait: seconds * 1000, max: max === null ? DEFAULT_MAX : wholeNumber('max', max, 1, LARGEST_MAX) }
}

/** @throws {RotundaError} `invalid_limit` */
function wholeNumber(name: string, text: string, from: number, to: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (value >= from && value <= to) return value
  throw new RotundaError('invalid_limit', `${name} is ${quote(text)}; it must be a whole number from ${from} to ${to}.`)
}
