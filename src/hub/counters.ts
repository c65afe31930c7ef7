import { CLOSE } from '../protocol/close_codes.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import { Histogram } from './histogram.ts'
import type { HubMetrics } from './hub_metrics.ts'
import type { CommitMetrics } from './publisher.ts'
import { noTraffic, type Traffic } from './traffic.ts'

const MILLISECONDS = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
/** What codes are counted under that are none of ours: a client may close with any. */
const OTHER_CLOSE = 'other'
const CLOSE_CODES: ReadonlySet<number> = new Set(Object.values(CLOSE))
const BATCHES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000]

/** What a hub counts. Everything here is an addition to a number, so nobody is asked whether it is wanted. */
export class Counters {
  /** Ephemeral messages that a member missed because it was reading the log. */
  ephemeralDropped = 0
  /** Clients' answers that nobody was waiting for, any more or ever. */
  repliesDropped = 0
  /** Joins that came back with a cursor. */
  resumes = 0
  /** Times that a client was told of messages it cannot have. */
  gaps = 0
  /** Times that a live subscriber was switched to reading the log because it read too slowly. */
  fellBehind = 0
  /** Times that a subscriber began to read the log. */
  catchUps = 0
  /** What quotas did: delayed, rejected, ended; `permitted` what they would have done. */
  readonly quota: { delay: number; reject: number; terminate: number; permitted: number } = {
    delay: 0,
    reject: 0,
    terminate: 0,
    permitted: 0,
  }
  /** Errors told to clients, by code. */
  readonly errors: Map<ErrorCode, number> = new Map()
  /** Sessions that are over, by close code. */
  readonly closes: Map<string, number> = new Map()
  readonly commitMilliseconds: Histogram = new Histogram(MILLISECONDS)
  readonly commitMessages: Histogram = new Histogram(BATCHES)
  /** From when the first message of a commit was taken to when the commit's messages were handed to the transports. */
  readonly deliveryMilliseconds: Histogram = new Histogram(MILLISECONDS)
  /** Frames, messages and bytes of all sessions, past and present. */
  readonly traffic: Traffic = noTraffic()

  error(code: ErrorCode): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }

  close(code: number): void {
    const name = CLOSE_CODES.has(code) ? String(code) : OTHER_CLOSE
    this.closes.set(name, (this.closes.get(name) ?? 0) + 1)
  }
}

/** The counters as applications read them. */
export function readCounters(
  counters: Counters,
): Omit<
  HubMetrics,
  | keyof CommitMetrics
  | 'sessions'
  | 'connectionsTotal'
  | 'rooms'
  | 'waiting'
  | 'presence'
  | 'retention'
  | 'types'
  | 'longPoll'
> {
  const { ephemeralDropped, repliesDropped, resumes, gaps, fellBehind, catchUps } = counters
  return {
    traffic: { ...counters.traffic },
    errors: Object.fromEntries(counters.errors),
    closes: Object.fromEntries(counters.closes),
    quota: { ...counters.quota },
    ephemeralDropped,
    repliesDropped,
    resumes,
    gaps,
    fellBehind,
    catchUps,
    commitMilliseconds: counters.commitMilliseconds.reading,
    commitMessages: counters.commitMessages.reading,
    deliveryMilliseconds: counters.deliveryMilliseconds.reading,
  }
}
