import type { ErrorCode } from '../protocol/errors.ts'
import type { SessionMetrics } from './traffic.ts'
import type { Distribution } from './histogram.ts'
import type { PresenceMetrics } from './presence/presence.ts'
import type { LongPollMetrics } from './companions.ts'
import type { CommitMetrics } from './publisher.ts'
import type { RetentionMetrics } from './retention.ts'
import type { TypeMetrics } from './type_metrics.ts'

/** Counters of a hub, counted always and read for free. */
export interface HubMetrics extends CommitMetrics {
  readonly sessions: number
  readonly connectionsTotal: number
  readonly rooms: number
  /** Messages that wait for the next commit. */
  readonly waiting: number
  /** Frames, messages and bytes of all sessions, past and present. */
  readonly traffic: SessionMetrics
  /** Errors told to clients so far, over HTTP too, by code; `slow_consumer` is told by the close code alone. */
  readonly errors: Readonly<Partial<Record<ErrorCode, number>>>
  /** Sessions that are over, by close code as text; codes that are not in `CLOSE` are counted as `other`. */
  readonly closes: Readonly<Record<string, number>>
  /** What quotas did so far: delayed, rejected, ended; `permitted` is what a permissive hub would have done. */
  readonly quota: Readonly<Record<'delay' | 'reject' | 'terminate' | 'permitted', number>>
  /** Joins that came back with a cursor. */
  readonly resumes: number
  /** Times that a client was told of messages it cannot have, since they were removed or are of another log. */
  readonly gaps: number
  /** Times that a live subscriber was switched to reading the log because it read too slowly. */
  readonly fellBehind: number
  /** Times that a subscriber began to read the log. */
  readonly catchUps: number
  /** How long the store took for each commit. */
  readonly commitMilliseconds: Distribution
  /** Messages in each commit. */
  readonly commitMessages: Distribution
  /** From when a commit's first message was taken to when its messages were handed to the transports. */
  readonly deliveryMilliseconds: Distribution
  /** Ephemeral messages that a member missed because it was reading the log. */
  readonly ephemeralDropped: number
  /** Clients' answers that nobody was waiting for, any more or ever. */
  readonly repliesDropped: number
  readonly presence: PresenceMetrics
  /** Envelopes by type, with times; undefined without the option `countTypes`. */
  readonly types: Readonly<Record<string, TypeMetrics>> | undefined
  /** What this node removed because it is not kept. */
  readonly retention: Readonly<RetentionMetrics>
  /** Of SSE and long polling; undefined where they are not served. */
  readonly longPoll: LongPollMetrics | undefined
}
