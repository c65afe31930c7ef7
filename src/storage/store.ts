import type { Payload } from '../protocol/payload.ts'

/** A message on its way into the log. */
export interface AppendMessage {
  /** The room whose log receives it. */
  readonly room: string
  /** What it is; `event` unless a later feature says otherwise. */
  readonly kind: string
  /** The application's event name. */
  readonly type: string
  /** Who sent it, as told to readers; null when nobody is named. */
  readonly from: string | null
  /** Producer key: within one room the same key is the same message for as long as that message is kept. */
  readonly key: string | null
  /** Milliseconds since 1970, set by the node that accepted the message. */
  readonly ts: number
  /** The payload as JSON text or as bytes, stored and served back exactly as given. */
  readonly payload: Payload
}

/** A message of the log. */
export interface StoredMessage {
  /** Position over the whole database: 20 decimal digits, so ids sort as text in commit order. */
  readonly id: string
  readonly room: string
  /** Position in the room, gapless from 1. */
  readonly seq: number
  readonly kind: string
  readonly type: string
  readonly from: string | null
  readonly ts: number
  /** The payload as JSON text or as bytes. */
  readonly payload: Payload
}

/** Where one appended message stands in the log. */
export interface Appended {
  readonly id: string
  readonly seq: number
  /** True when the producer key was already in the log: id and seq are those of the first message. */
  readonly repeat: boolean
}

/** How far a room's log reaches. Messages `trimmed + 1` to `head` can be read. */
export interface RoomExtent {
  /** Seq of the newest message ever stored, 0 for a room never written to. Never goes back, whatever is trimmed. */
  readonly head: number
  /** Seq up to which messages were removed, 0 when none were. */
  readonly trimmed: number
}

/** A room that has messages, as it is listed. */
export interface ListedRoom extends RoomExtent {
  readonly room: string
  /** `ts` of the oldest message kept. */
  readonly oldest: number
}

/**
 * The log: every room's durable messages, in order.
 *
 * The rule an implementation must keep: `append` stores its whole batch in one transaction or nothing of it, and
 * assigns `id` and `seq` inside that transaction. Several processes may append to one database at once; each still
 * sees ids that rise in commit order and, within a room, seqs without a hole.
 *
 * Reading methods return at most `limit` messages; a limit of 0 returns none. Any method may reject with any error:
 * the caller treats that as "the store is unavailable" and, for `append`, as "perhaps stored": a retry with the same
 * producer keys settles it.
 *
 * `storeConformance` in `rotunda/conformance` checks an implementation.
 */
export interface MessageStore {
  /**
   * Names this log. A cursor is only meaningful in the epoch it was made in; a log that lost what it once
   * acknowledged (restored from a backup, created anew) must have a new one.
   */
  readonly epoch: string
  /**
   * Stores a batch, in the order given, and says where each message stands. A message whose producer key is already
   * in its room, or earlier in the same batch, is not stored again.
   */
  append(messages: readonly AppendMessage[]): Promise<Appended[]>
  /** Messages of a room, newest first, from just before the message with id `before` (default: from the newest). */
  listByRoom(room: string, limit: number, before?: string): Promise<StoredMessage[]>
  /** Messages of a room with seq greater than `after`, oldest first. */
  replayRoom(room: string, after: number, limit: number): Promise<StoredMessage[]>
  /** Messages of all rooms with id greater than `id` (`''` for all), oldest first. */
  replayFrom(id: string, limit: number): Promise<StoredMessage[]>
  /** How far a room's log reaches. */
  extent(room: string): Promise<RoomExtent>
  /**
   * Rooms that have messages and whose name begins with `prefix` (`''` for all), from just after the name `after` (`''`
   * for the first), in the order of their names' UTF-8 bytes; fewer than `limit` only where no more follow. Costs a step
   * in an index a room, however many messages it has.
   */
  rooms(prefix: string, after: string, limit: number): Promise<ListedRoom[]>
  /**
   * Seq up to which all messages of a room are older than `ts`; the room's `trimmed` when its oldest one is not. Looks at
   * no more than the `limit` oldest messages.
   */
  seqBefore(room: string, ts: number, limit: number): Promise<number>
  /** Removes a room's messages up to and including seq `through`; returns how many were removed. */
  trim(room: string, through: number): Promise<number>
  /** Releases files and connections. What was appended stays. */
  close(): Promise<void>
}

const ZEROS = '0'.repeat(20)

/** The wire form of a database row id: 20 digits, so that text order is commit order. */
export function formatId(row: number | bigint): string {
  const digits = String(row)
  return ZEROS.slice(digits.length) + digits
}

/** The database row id of a message id; 0, which comes before every message, for `''`. Throws for what is not an id. */
export function parseId(id: string): number {
  if (id === '') return 0
  if (!/^\d{1,20}$/.test(id)) throw new RangeError(`${JSON.stringify(id)} is not a message id: 20 decimal digits.`)
  return Math.min(Number(id), Number.MAX_SAFE_INTEGER)
}
