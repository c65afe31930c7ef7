/** A member of a room as one node has it. */
export interface Entry {
  /** What it says of itself, as JSON text. */
  readonly state: string
  /** Since when it is present, in milliseconds since 1970. */
  readonly since: number
  /** When it said its state: where several nodes have the member, the latest counts. */
  readonly at: number
}

/** A member by name. */
export type NamedEntry = readonly [member: string, entry: Entry]
