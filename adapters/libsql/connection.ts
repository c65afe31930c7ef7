/** Positions a commit assigned, as plain data that crosses to another thread cheaply. */
export interface Committed {
  /** Id of the first message stored; the others follow without a gap. Meaningless when none was stored. */
  readonly first: number
  /** How many were stored. */
  readonly stored: number
  /** For each message not stored because its key is in the log: index in the batch, id, seq. */
  readonly repeats: readonly (readonly [number, number, number])[]
  /** Head of each of the batch's rooms after the commit, in the order the rooms were given. */
  readonly heads: readonly number[]
}

/** A page to read. */
export type PageQuery = PageRequest & {
  /** Whether the page comes with its bytes. */
  readonly bytes: boolean
}

/** Which messages to read. */
export type PageRequest =
  | { readonly of: 'newest'; readonly room: string; readonly before: number | null; readonly limit: number }
  | { readonly of: 'room'; readonly room: string; readonly after: number; readonly limit: number }
  | { readonly of: 'all'; readonly after: number; readonly limit: number }

/**
 * A row of a page: id, seq, kind, type, sender, ts, payload, and for a page of all rooms the room. Where the payload is
 * bytes, how many.
 */
export type PageRow = [number, number, string, string, string | null, number, string | number, string?]

/** A page as it crosses to another thread: parsing text is cheaper than copying objects. */
export interface PageText {
  /** JSON of {@link PageRow}s. */
  readonly rows: string
  /** The payloads that are bytes, one after the other; null where there are none or they were not asked for. */
  readonly bytes: ArrayBuffer | null
}

/** As many rows as one statement takes: sqld refuses texts of some megabytes. */
export interface BatchPart {
  /**
   * Rows: `[[room, kind, type, sender, key, ts, payload], …]`, each key at most once a room. For a payload of bytes
   * `null, start, length`: where it is in `bytes`, from 1.
   */
  readonly rows: string
  readonly count: number
  /** The payloads that are bytes, one after the other; null where all are text. */
  readonly bytes: Uint8Array<ArrayBuffer> | null
}

/** A batch ready to be stored. The texts are JSON, made once by the caller, so that a worker is handed only strings and bytes. */
export interface Batch {
  readonly parts: readonly BatchPart[]
  /** The distinct rooms: `[room, …]`. */
  readonly rooms: string
}

/** Rooms to list: names that begin with `prefix` and come after `after`. */
export interface RoomsQuery {
  readonly prefix: string
  readonly after: string
  readonly limit: number
}

/** A room listed: name, head, trimmed, `ts` of its oldest message. */
export type RoomRow = readonly [string, number, number, number]

/** A room and the seq up to which its messages are removed. */
export type Cut = readonly [string, number]

/** One open database, in this thread or behind a worker. Every call may reject with a RotundaError. */
export interface Connection {
  readonly epoch: string
  /** Stores a batch in one transaction. */
  commit(batch: Batch): Promise<Committed>
  /** A page; null when it is larger than the database sends at once: ask for fewer. */
  page(query: PageQuery): Promise<PageText | null>
  /** Head and trimmed of a room. */
  extent(room: string): Promise<readonly [number, number]>
  rooms(query: RoomsQuery): Promise<readonly RoomRow[]>
  /** Seq up to which a room's messages are older than `ts`, the first `limit` of them looked at. */
  seqBefore(room: string, ts: number, limit: number): Promise<number>
  /** Removes messages in one transaction and returns how many of each room. */
  trim(cuts: readonly Cut[]): Promise<readonly number[]>
  close(): Promise<void>
}
