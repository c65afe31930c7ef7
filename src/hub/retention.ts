import type { ListedRoom, MessageStore } from '../storage/store.ts'
import type { Executor } from './executor.ts'
import { outermost, type RetentionRule, ruleFor } from './retention_rules.ts'

/** Rooms listed at a time. */
const PAGE = 200
/** Rooms trimmed at the same time. */
const GROUP = 64
/** Most messages removed before others get their turn. */
const PIECE = 1_000
/** Longest pause between two pieces, in milliseconds. */
const MAX_PAUSE = 250
/** What fails this often in one sweep is left to the next. */
const MAX_FAILURES = 3

/** Counters of what retention did on this node. */
export interface RetentionMetrics {
  /** Sweeps that have ended. */
  sweeps: number
  /** Rooms with a rule that were looked at. */
  rooms: number
  /** Messages removed. */
  messages: number
  /** Calls that the store refused. What they were for is done by a later sweep. */
  failures: number
  /** When the last sweep ended, in milliseconds since 1970; 0 before that. */
  lastSweepAt: number
  /** How long the last sweep took. */
  lastSweepMilliseconds: number
}

/** A room that has messages too many or too old. */
interface Due {
  readonly room: string
  trimmed: number
  /** Up to here they are too many. */
  readonly excess: number
  /** Messages of an earlier time are too old. */
  readonly cutoff: number
}

/**
 * Removes what rules do not keep, oldest first, in pieces with pauses as long as they took: commits of this node and of
 * others come in between. Several nodes may sweep one log at once.
 *
 * A room's messages go in the order of their seqs: one that is too old stays while one before it is not, as where nodes'
 * clocks differ.
 */
export class Retention {
  readonly metrics: RetentionMetrics = {
    sweeps: 0,
    rooms: 0,
    messages: 0,
    failures: 0,
    lastSweepAt: 0,
    lastSweepMilliseconds: 0,
  }
  readonly #rules: readonly RetentionRule[]
  readonly #store: MessageStore
  readonly #executor: Executor
  readonly #report: (error: unknown) => void
  #sweeping: Promise<void> | undefined
  /** Failures of the sweep under way. */
  #failures = 0
  #cancel = () => {}
  #isStopped = false

  /** @param rules As {@link checkRetention} gives them. */
  constructor(
    rules: readonly RetentionRule[],
    store: MessageStore,
    executor: Executor,
    report: (error: unknown) => void,
  ) {
    this.#rules = rules
    this.#store = store
    this.#executor = executor
    this.#report = report
  }

  /** Sweeps every so many seconds from now on, at first sooner: nodes that start together need not sweep together. */
  start(interval: number): void {
    if (this.#rules.length === 0) return
    const sweep = () => void this.sweep()
    this.#cancel = this.#executor.after(Math.random() * interval * 1000, () => {
      this.#cancel = this.#executor.every(interval * 1000, sweep)
      sweep()
    })
  }

  /** Begins no further sweep; one that is under way ends with the piece it is at. */
  stop(): void {
    this.#isStopped = true
    this.#cancel()
  }

  /** Removes what is not kept at the time `now`. Joins a sweep that is under way; what fails is reported, not thrown. */
  async sweep(now: number = Date.now()): Promise<void> {
    this.#sweeping ??= this.#executor.run(() => this.#sweep(now)).finally(() => this.#sweeping = undefined)
    return await this.#sweeping
  }

  get #mustEnd(): boolean {
    return this.#isStopped || this.#executor.signal.aborted || this.#failures >= MAX_FAILURES
  }

  async #sweep(now: number): Promise<void> {
    const started = performance.now()
    this.#failures = 0
    for (const pattern of outermost(this.#rules)) {
      try {
        if (pattern.endsWith('*')) await this.#sweepPrefix(pattern.slice(0, -1), now)
        else await this.#sweepRooms(await this.#store.rooms(pattern, '', 1), now)
      } catch (error) {
        this.#failed(error)
      }
      if (this.#mustEnd) break
    }
    this.metrics.sweeps += 1
    this.metrics.lastSweepAt = Date.now()
    this.metrics.lastSweepMilliseconds = performance.now() - started
  }

  async #sweepPrefix(prefix: string, now: number): Promise<void> {
    let page: readonly ListedRoom[]
    let after = ''
    do {
      const started = performance.now()
      page = await this.#store.rooms(prefix, after, PAGE)
      after = page.at(-1)?.room ?? ''
      await pauseSince(started)
      await this.#sweepRooms(page, now)
    } while (page.length === PAGE && !this.#mustEnd)
  }

  async #sweepRooms(rooms: readonly ListedRoom[], now: number): Promise<void> {
    let due = rooms.flatMap((listed) => this.#dueOf(listed, now))
    while (due.length > 0 && !this.#mustEnd) {
      const started = performance.now()
      const group = due.slice(0, GROUP)
      const most = Math.max(1, Math.floor(PIECE / group.length))
      const results = await Promise.allSettled(group.map((room) => this.#trim(room, most)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) this.#failed(failed.reason)
      // To the end of the line: a long room must not keep the short ones waiting.
      due = [...due.slice(GROUP), ...group.filter((_, i) => results[i]?.status === 'fulfilled' && results[i].value)]
      await pauseSince(started)
    }
  }

  #dueOf({ room, head, trimmed, oldest }: ListedRoom, now: number): Due[] {
    const rule = ruleFor(this.#rules, room)
    // The first room after an exact name that has no messages is another.
    if (rule === undefined) return []
    this.metrics.rooms += 1
    const excess = head - (rule.maxMessages ?? Infinity)
    const cutoff = now - (rule.maxAge ?? Infinity) * 1000
    return excess > trimmed || oldest < cutoff ? [{ room, trimmed, excess, cutoff }] : []
  }

  /** Removes a room's next messages, at most so many; true when there may be more to remove. */
  async #trim(due: Due, most: number): Promise<boolean> {
    const { room, trimmed, excess, cutoff } = due
    const end = trimmed + most
    let through = Math.min(excess, end)
    if (through < end && cutoff > -Infinity) {
      through = Math.max(through, await this.#store.seqBefore(room, cutoff, most))
    }
    if (through <= trimmed) return false
    const removed = await this.#store.trim(room, through)
    // Added after the wait: others of the group count meanwhile.
    this.metrics.messages += removed
    due.trimmed = through
    // What is now the oldest may be too old although one before it, that was too many, was not.
    return through >= end || (through === excess && cutoff > -Infinity)
  }

  #failed(error: unknown): void {
    this.#failures += 1
    this.metrics.failures += 1
    // A store that closes with its hub is no news.
    if (!this.#isStopped) this.#report(error)
  }
}

/** Leaves as much time to others as was taken. */
function pauseSince(started: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(performance.now() - started, MAX_PAUSE)))
}
