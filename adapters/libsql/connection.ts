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
export type PageQuery =
  | { readonly of: 'newest'; readonly room: string; readonly before: number | null; readonly limit: number }
  | { readonly of: 'room'; readonly room: string; readonly after: number; readonly limit: number }
  | { readonly of: 'all'; readonly after: number; readonly limit: number }

/** A row of a page: id, room, seq, kind, type, sender, ts, payload. */
export type PageRow = [number, string, number, string, string, string | null, number, string]

/** As many rows as one statement takes: sqld refuses texts of some megabytes. */
export interface BatchPart {
  /** Rows: `[[room, kind, type, sender, key, ts, payload], …]`, each key at most once a room. */
  readonly rows: string
  readonly count: number
  /** The messages with a key: `[[index in the batch, room, key], …]`; null when none has one. */
  readonly keys: string | null
}

/** A batch ready to be stored. The texts are JSON, made once by the caller, so that a worker is handed only strings. */
export interface Batch {
  readonly parts: readonly BatchPart[]
  /** The distinct rooms: `[room, …]`. */
  readonly rooms: string
}

/** One open database, in this thread or behind a worker. Every call may reject with a RotundaError. */
export interface Connection {
  readonly epoch: string
  /** Stores a batch in one transaction. */
  commit(batch: Batch): Promise<Committed>
  /**
   * A page as JSON text of {@link PageRow}s: parsing it is cheaper than copying objects between threads. Null when it
   * is larger than the database sends at once: ask for fewer.
   */
  page(query: PageQuery): Promise<string | null>
  /** Head and trimmed of a room. */
  extent(room: string): Promise<readonly [number, number]>
  /** Removes messages up to `through` in one transaction and returns how many. */
  trim(room: string, through: number): Promise<number>
  close(): Promise<void>
}
