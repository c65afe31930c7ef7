import { RotundaError } from '../protocol/errors.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'

/** Counts of long polling and SSE on one node. */
export interface LongPollMetrics {
  /** Sessions that are polled, and shared mailboxes. */
  readonly sessions: number
  /** Sessions over SSE. */
  readonly streams: number
  /** Polls so far. */
  readonly polls: number
  /** Polls that wait for something. */
  readonly waiting: number
  /** Messages in mailboxes. */
  readonly buffered: number
  /** Messages put into mailboxes so far, and what became of them: read, or dropped for want of room. */
  readonly enqueued: number
  readonly drained: number
  readonly dropped: number
}

/** What has connections of its own beside a hub's sessions, and lives as long as the hub: a raw service. */
export interface Companion {
  readonly limits: Pick<Limits, 'maxMessageSize' | 'hardLimit'>
  /** Connections it has; they count towards the hub's `maxConnections`. */
  readonly size: number
  /** Where it is what answers SSE and long polling. */
  readonly longPoll?: LongPollMetrics
  /** Closes every connection with 1001; resolves when none is left. */
  close(): Promise<void>
  /** Ends what is left of connections without a handshake, and whatever goes on by itself. */
  terminate(): void
}

/** The companions of one hub. */
export class Companions {
  /** Owns their background work. */
  readonly executor: Executor
  readonly #hub: Companion['limits']
  readonly #all = new Set<Companion>()
  #closing = false

  constructor(executor: Executor, hub: Companion['limits']) {
    this.executor = executor
    this.#hub = hub
  }

  /** @throws {RotundaError} `shutting_down` when the hub is being closed. */
  add(companion: Companion): void {
    if (this.#closing) throw new RotundaError('shutting_down', 'The hub is being closed; nothing can join it.')
    this.#all.add(companion)
  }

  /** Connections that all of them have. */
  get size(): number {
    let size = 0
    for (const companion of this.#all) size += companion.size
    return size
  }

  get longPoll(): LongPollMetrics | undefined {
    for (const { longPoll } of this.#all) if (longPoll !== undefined) return longPoll
    return undefined
  }

  /** The largest limits of the hub and its companions, for a transport that has one for all of its connections. */
  get largest(): Companion['limits'] {
    let { maxMessageSize, hardLimit } = this.#hub
    for (const { limits } of this.#all) {
      maxMessageSize = Math.max(maxMessageSize, limits.maxMessageSize)
      hardLimit = Math.max(hardLimit, limits.hardLimit)
    }
    return { maxMessageSize, hardLimit }
  }

  async close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#all].map((companion) => companion.close()))
  }

  terminate(): void {
    for (const companion of this.#all) companion.terminate()
  }
}
