import type { Cursor, Gap, Joined, JoinOptions, Published } from '../../src/client/mod.ts'

/** A message that a publisher was told to publish, and what became of it as far as the publisher knows. */
export interface Publish {
  readonly publisher: string
  /** From 1, in the order of the calls. */
  readonly number: number
  readonly room: string
  /** Undefined where the client chose one. */
  readonly key: string | undefined
  /** Unlike that of any other message. */
  readonly content: string
  readonly acks: Published[]
  /** Why the client gave it up. */
  refused?: string
}

/** A message as a handler saw it. */
export interface Seen extends Published {
  readonly room: string
  readonly content: string
}

/** What a room told a subscriber, in order. */
export type ReadingEvent = { readonly joined: Joined } | { readonly seen: Seen } | { readonly gap: Gap }

/** One room as one subscriber read it, over all reconnects, from joining to leaving. */
export interface Reading {
  readonly subscriber: string
  readonly room: string
  readonly wanted: JoinOptions
  readonly events: ReadingEvent[]
  /** What went wrong outside of calls. */
  readonly errors: { readonly code: string; readonly retryable: boolean; readonly message: string }[]
  /** The cursor that the client had when it left; undefined as long as it reads. */
  left?: { readonly cursor: Cursor | undefined }
}

/** A row of `ws_messages`. */
export interface Row extends Published {
  readonly room: string
  readonly key: string | null
  readonly content: string
}

/** All that is known when everything has settled: by the clients, and in the database. */
export interface Evidence {
  readonly publishes: readonly Publish[]
  readonly readings: readonly Reading[]
  readonly rows: readonly Row[]
  readonly epoch: string
}

/** The content of a chat message. */
export function contentOf(payload: { readonly user: string; readonly text: string }): string {
  return `${payload.user} says ${payload.text}`
}
