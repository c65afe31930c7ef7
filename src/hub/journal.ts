import { RotundaError } from '../protocol/errors.ts'
import type { Appended, AppendMessage, MessageStore } from '../storage/store.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import { endOfTurn } from './turn.ts'

/** Payload after which a commit takes no more: remote databases refuse statements of some megabytes. */
const MAX_COMMIT_BYTES = 4 * 1024 * 1024

/** A message waiting for its commit, and whom to tell. */
export interface Entry<Origin> {
  readonly message: AppendMessage
  readonly origin: Origin
}

/** When things happened, by `performance.now`. */
export interface CommitTimes {
  /** When the first of the commit's messages was taken. */
  readonly since: number
  /** When the store was asked, and when it had answered. */
  readonly began: number
  readonly ended: number
}

/** What the journal reports, once for every entry it accepted. */
export interface JournalListener<Origin> {
  committed(entries: readonly Entry<Origin>[], appended: readonly Appended[], times: CommitTimes): void
  /** Nothing is known to be stored; perhaps it is. A retry with the same producer keys settles it. */
  failed(entries: readonly Entry<Origin>[], error: RotundaError): void
  /** The listener itself failed. */
  report(error: unknown): void
}

/**
 * The append path with group commit: what arrives while a commit is in flight is the next commit's batch.
 *
 * One commit is in flight at a time, so messages are stored in the order in which they were pushed.
 */
export class Journal<Origin> {
  readonly #store: MessageStore
  readonly #limits: Limits
  readonly #listener: JournalListener<Origin>
  #waiting: Entry<Origin>[] = []
  #waitingBytes = 0
  #waitingSince = 0
  #running: Promise<void> | undefined
  #closed = false
  readonly #executor: Executor

  constructor(store: MessageStore, limits: Limits, executor: Executor, listener: JournalListener<Origin>) {
    this.#store = store
    this.#limits = limits
    this.#executor = executor
    this.#listener = listener
  }

  /** Messages that wait for a commit, those in flight not counted. */
  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Takes a message for the next commit.
   * @throws {RotundaError} `overloaded` when too much waits already, `shutting_down` after `close`.
   */
  push(message: AppendMessage, origin: Origin): void {
    if (this.#closed) throw new RotundaError('shutting_down', 'The server is stopping; send it again later.')
    const bytes = this.#waitingBytes + message.payload.length
    if (this.#waiting.length >= this.#limits.maxJournalQueue || bytes > this.#limits.maxJournalBytes) {
      throw new RotundaError('overloaded', `${this.#waiting.length} messages wait to be stored; try again later.`)
    }
    this.#waitingBytes = bytes
    if (this.#waiting.length === 0) this.#waitingSince = performance.now()
    this.#waiting.push({ message, origin })
    this.#running ??= this.#executor.track(this.#run())
  }

  /** Resolves when nothing waits and no commit is in flight. */
  async flushed(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Takes nothing more; resolves when what was taken is stored or refused. */
  close(): Promise<void> {
    this.#closed = true
    return this.flushed()
  }

  async #run(): Promise<void> {
    // What has arrived already shares the first commit. A store that works in this thread would else commit one by one.
    await endOfTurn()
    for (let commit = this.#start(); commit !== undefined;) {
      const tell = await commit
      // Started before the last one's outcome is told, so that the store works while acks and broadcasts are sent.
      commit = this.#start()
      try {
        tell()
      } catch (error) {
        // A listener that fails must not end the journal for everybody.
        this.#listener.report(error)
      }
      commit ??= this.#start()
    }
    this.#running = undefined
  }

  #start(): Promise<() => void> | undefined {
    return this.#waiting.length === 0 ? undefined : this.#commit(this.#take())
  }

  #take(): Entry<Origin>[] {
    let bytes = 0
    let count = 0
    const most = Math.min(this.#waiting.length, this.#limits.maxCommit)
    while (count < most && (count === 0 || bytes < MAX_COMMIT_BYTES)) {
      bytes += this.#waiting[count++]!.message.payload.length
    }
    this.#waitingBytes -= bytes
    const batch = this.#waiting
    this.#waiting = batch.slice(count)
    batch.length = count
    return batch
  }

  /** Stores a batch and gives what tells its outcome. */
  async #commit(entries: Entry<Origin>[]): Promise<() => void> {
    const since = this.#waitingSince
    const began = performance.now()
    // What is left, if anything, came later; about when is near enough.
    this.#waitingSince = began
    try {
      const appended = await this.#store.append(entries.map((entry) => entry.message))
      const ended = performance.now()
      return () => this.#listener.committed(entries, appended, { since, began, ended })
    } catch (cause) {
      const message = 'The message could not be stored; send it again with the same key.'
      return () => this.#listener.failed(entries, new RotundaError('store_unavailable', message, { cause }))
    }
  }
}
