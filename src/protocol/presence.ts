/** A member of a room, in `presence.state`, `presence.join` and `presence.update`. */
export interface PresentMember {
  readonly member: string
  /** What it says of itself; `null` when it says nothing. */
  readonly state: unknown
  /** Since when it is present, in milliseconds since 1970. */
  readonly since: number
}

/** Payload of `presence.state`: a page of all members. A page that comes again replaces the one before. */
export interface PresenceState {
  /** Of the last page: the version that the next change follows on. */
  readonly version: number
  readonly page: number
  readonly members: readonly PresentMember[]
  /** Whether other pages follow. */
  readonly more: boolean
}

/** Payload of `presence.join` and `presence.update`; of `presence.leave`, where members are names. */
export interface PresenceChanges {
  /** One more than that of the change, or of the last page, before. */
  readonly version: number
  readonly members: readonly (PresentMember | string)[]
}
