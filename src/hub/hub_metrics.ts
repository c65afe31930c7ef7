import type { CommitMetrics } from './publisher.ts'
import type { TypeMetrics } from './type_metrics.ts'

/** Counters of a hub, counted always and read for free. */
export interface HubMetrics extends CommitMetrics {
  readonly sessions: number
  readonly connectionsTotal: number
  readonly rooms: number
  /** Messages that wait for the next commit. */
  readonly waiting: number
  /** Ephemeral messages that a member missed because it was reading the log. */
  readonly ephemeralDropped: number
  /** Clients' answers that nobody was waiting for, any more or ever. */
  readonly repliesDropped: number
  /** Envelopes by type, with times; undefined without the option `countTypes`. */
  readonly types: Readonly<Record<string, TypeMetrics>> | undefined
}
