import type { EncodedEnvelope } from '../protocol/envelope.ts'

/** Who waits for a room's log to grow without being a member of the room. */
export interface Watcher {
  /** There may be more to read. Must not throw. */
  moved(): void
}

/** Told of what this node sends to rooms or to everybody: what is durable once it is committed. Must not throw. */
export type Listener = (batch: readonly EncodedEnvelope[]) => void
