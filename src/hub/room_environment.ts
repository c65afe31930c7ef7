import type { MessageStore } from '../storage/store.ts'
import type { Counters } from './counters.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import type { Turns } from './turns.ts'

/** What a room needs of its hub. */
export interface RoomEnvironment {
  readonly store: MessageStore
  readonly limits: Limits
  readonly executor: Executor
  /** Put before room names in native topics: several hubs may share one server. */
  readonly topics: string
  /** Aborted when the hub closes. */
  readonly signal: AbortSignal
  readonly counters: Counters
  /** For what goes to live members. */
  readonly turns: Turns
  /** For those who come in, and those who read the log. */
  readonly readings: Turns
  report(error: unknown): void
}
