import type { Payload } from '../../protocol/payload.ts'

/** What makes a message of the outbox this message: its producer key, within its room. */
export interface OutboxId {
  readonly room: string
  readonly key: string
}

/** A durable publish that is not acknowledged yet. */
export interface OutboxEntry extends OutboxId {
  readonly type: string
  /** JSON as text, or bytes. In an encrypted room it is what the server gets. */
  readonly payload: Payload
  readonly traceparent?: string | undefined
}

/**
 * Keeps what a client has to send beyond its life. Methods may be called before earlier calls are done; they take effect
 * in the order of the calls. Sending an entry twice does no harm: its key makes it the same message.
 */
export interface OutboxStore {
  /**
   * The entries that this store's user has to send, in the order in which they were put: its own, those that were left
   * before, and those of users who are gone. Asked at the start and on every connection.
   */
  load(): Promise<readonly OutboxEntry[]>
  /** Adds entries at the end. One that is there already stays as it is. */
  put(entries: readonly OutboxEntry[]): Promise<void>
  /** Forgets entries; those it has not got are ignored. */
  remove(ids: readonly OutboxId[]): Promise<void>
}

/** One text for an id; names of rooms have no line ends. */
export function idOf({ room, key }: OutboxId): string {
  return `${room}\n${key}`
}
