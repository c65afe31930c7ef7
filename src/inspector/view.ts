/** Numbers of the whole node at one moment; counters are since its start. */
export interface Sample {
  /** Milliseconds since 1970, as all times here. */
  readonly at: number
  readonly sessions: number
  /** Sessions, and connections of raw services beside them. */
  readonly connections: number
  readonly connectionsTotal: number
  readonly rooms: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Messages committed. */
  readonly stored: number
  /** Messages that wait for a commit. */
  readonly waiting: number
  readonly errors: number
  /** Sessions that read too slowly at this moment. */
  readonly slow: number
  /** Bytes that wait to be read, over all sessions. */
  readonly buffered: number
  /** Commits by how long the store took, as {@link View.bounds} divides them. */
  readonly commits: readonly number[]
  /** Deliveries likewise. */
  readonly deliveries: readonly number[]
}

/** Counters that belong together. */
export interface CounterGroup {
  readonly name: string
  readonly counters: readonly (readonly [name: string, value: number])[]
}

/** A session, as a row of the list. */
export interface SessionRow {
  readonly id: string
  /** Who it is, where the hub authenticates. */
  readonly subject: string | null
  readonly address: string
  readonly port: number
  readonly transport: string
  readonly codec: string
  readonly state: string
  readonly connectedAt: number
  readonly seenAt: number
  /** Bytes that wait to be read by it. */
  readonly buffered: number
  /** Rooms whose log it is reading because it is not at their head. */
  readonly behind: number
  readonly rooms: number
  readonly framesIn: number
  readonly messagesIn: number
  readonly bytesIn: number
  readonly framesOut: number
  readonly messagesOut: number
  readonly bytesOut: number
}

/** One session, with the rooms it is in. */
export interface SessionDetail extends SessionRow {
  /** The first hundred of them. */
  readonly inRooms: readonly { readonly room: string; readonly position: number; readonly head: number }[]
}

/** A room, as a row of the list. */
export interface RoomRow {
  readonly name: string
  readonly members: number
  readonly head: number
  /** Messages stored a second; null until it was looked at twice. */
  readonly rate: number | null
}

/** A piece of a list that is sorted and searched where the server is. */
export interface Page<Row> {
  readonly rows: readonly Row[]
  /** How many there are in all the pages. */
  readonly total: number
  readonly page: number
  readonly pages: number
}

/** A message of a room that is followed. */
export interface FollowedMessage {
  readonly seq: number
  readonly id: string
  readonly ts: number
  readonly type: string
  readonly from: string | null
  /** Characters of JSON, or bytes where `isBytes`. */
  readonly size: number
  readonly isBytes: boolean
  /** The beginning of the payload; null where payloads are hidden. */
  readonly preview: string | null
}

/** A room that is followed: the newest messages that the page has not got yet, oldest first. */
export interface FollowedRoom {
  readonly room: string
  readonly members: number
  readonly head: number
  /** Messages up to this one were removed. */
  readonly trimmed: number
  readonly messages: readonly FollowedMessage[]
  /** Why the log cannot be read; null when it can. */
  readonly error: string | null
}

/** All that the page shows, as one answer. */
export interface View {
  readonly node: string
  readonly epoch: string
  readonly now: number
  /** Those that are newer than what the page said it has. */
  readonly samples: readonly Sample[]
  /** Milliseconds: the upper bounds of what `commits` and `deliveries` of a sample count. */
  readonly bounds: readonly number[]
  readonly limits: { readonly connections: number; readonly journal: number; readonly highWaterMark: number }
  readonly groups: readonly CounterGroup[]
  readonly showsPayloads: boolean
  readonly sessions?: Page<SessionRow>
  readonly rooms?: Page<RoomRow>
  readonly followed?: FollowedRoom
  /** Null when it is over. */
  readonly session?: SessionDetail | null
}
