import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, Gap } from '../protocol/reserved.ts'
import { Backoff } from './connection/backoff.ts'
import type { Connection } from './connection/connection.ts'
import type { Receiver } from './receiver.ts'

/** A message of the log as it arrives. */
export type LogEntry = Envelope & { readonly id: string; readonly seq: number }

/** The answer to `room.history`. */
export interface HistoryPage {
  readonly messages: readonly LogEntry[]
  readonly head: number
  readonly trimmed: number
  readonly epoch: string
}

/**
 * Puts a room's messages into the order of the log: without repeat, and without a hole that is not told. Says by its
 * abstract methods what it needs of the room.
 */
export abstract class Inbox {
  /** Up to where messages were taken; undefined before the room was ever joined. */
  declare position: Cursor | undefined
  declare readonly receiver: Receiver
  declare readonly connection: Connection
  readonly #held = new Map<number, LogEntry>()
  /** Highest seq known to exist; more than the position while something is missing. */
  #known = 0
  /** Changes whenever fetching must stop; undefined while nothing is being fetched. */
  #fetching: object | undefined
  #cancelPause = () => {}

  constructor(connection: Connection, receiver: Receiver, start: Cursor | undefined) {
    this.connection = connection
    this.receiver = receiver
    this.position = start
  }

  /** The next message of the log. */
  protected abstract deliver(message: LogEntry, at: Cursor): void
  /** Messages before the position that were skipped. */
  protected abstract tellGap(gap: Gap): void
  /** Asks for the messages after a seq, oldest first. */
  protected abstract fetch(after: number): Promise<HistoryPage>
  /** Joins again from where we are: the server tells what cannot be given. */
  protected abstract rejoin(): void

  /** Starts at a cursor where none is known yet; where one is, what lies between is missing. */
  start(cursor: Cursor): void {
    this.position ??= cursor
    if (this.position.epoch === cursor.epoch) this.#need(cursor.seq)
  }

  message(message: LogEntry): void {
    const { seq } = message
    if (this.#take(message)) return this.#takeHeld()
    if (seq <= this.#seq) return
    // Until the hole is closed; what comes on top of so many is fetched as well.
    if (this.#held.size < 1_000) this.#held.set(seq, message)
    this.#need(seq)
  }

  gap(gap: Gap): void {
    const { code, epoch, missed, cursor } = gap
    if (epoch === this.position?.epoch && code === 'history_trimmed') {
      if (cursor <= this.#seq) return
      // What was lost before the removed messages may still be there; fetching finds both.
      if (missed && missed.from > this.#seq + 1) return this.#need(cursor)
    } else this.stop()
    this.position = { epoch, seq: cursor }
    this.tellGap(gap)
    this.#takeHeld()
  }

  /** Forgets what is held and stops fetching: the next join gives it again. */
  stop(): void {
    this.#held.clear()
    this.#known = 0
    this.#fetching = undefined
    this.#cancelPause()
  }

  get #seq(): number {
    return this.position?.seq ?? 0
  }

  #take(message: LogEntry): boolean {
    const { seq } = message
    if (!this.position || seq !== this.#seq + 1 || !this.receiver.isReady) return false
    this.deliver(message, this.position = { epoch: this.position.epoch, seq })
    return true
  }

  #takeHeld(): void {
    for (const seq of this.#held.keys()) if (seq <= this.#seq) this.#held.delete(seq)
    for (let next; (next = this.#held.get(this.#seq + 1)) && this.#take(next);) this.#held.delete(next.seq)
  }

  /** The log is known to reach to `seq`. */
  #need(seq: number): void {
    this.#known = Math.max(this.#known, seq)
    if (this.#known > this.#seq && !this.#fetching) this.#fetchMissing(this.#fetching = {})
  }

  async #fetchMissing(run: object): Promise<void> {
    const backoff = new Backoff(this.connection.clock.random)
    while (this.#seq < this.#known) {
      const before = this.#seq
      try {
        const page = await this.fetch(before)
        if (this.#fetching === run) this.#takePage(page)
      } catch (error) {
        if (this.#fetching === run) this.receiver.report(error)
      }
      // Perhaps by a handler that was told of what the page had.
      if (this.#fetching !== run) return
      // A pause that is cancelled is never over.
      const pause = (over: () => void) => this.#cancelPause = this.connection.clock.after(backoff.next(), over)
      if (this.#seq > before) backoff.reset()
      else await new Promise<void>(pause)
    }
    this.#fetching = undefined
  }

  #takePage({ messages, trimmed, head, epoch }: HistoryPage): void {
    // Another log, or what is missing was removed.
    if (epoch !== this.position?.epoch || trimmed > this.#seq) return this.rejoin()
    for (const message of messages) this.#take(message)
    // The log does not reach as far as was said.
    if (messages.length === 0) this.#known = Math.min(this.#known, head)
    this.#takeHeld()
  }
}
