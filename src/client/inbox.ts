import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, Gap } from '../protocol/reserved.ts'
import { Backoff } from './connection/backoff.ts'
import type { Clock } from './clock.ts'

/** A message of the log as it arrives. */
export type LogEntry = Envelope & { readonly id: string; readonly seq: number }

/** The answer to `room.history`. */
export interface HistoryPage {
  readonly messages: readonly LogEntry[]
  readonly head: number
  readonly trimmed: number
  readonly epoch: string
}

/** What an inbox needs of its room. */
export interface InboxOwner {
  /** Whether a message can be taken now; what cannot is fetched again later. */
  readonly isReady: boolean
  /** The next message of the log. */
  deliver(message: LogEntry, at: Cursor): void
  gap(gap: Gap): void
  /** Asks for the messages after a seq, oldest first. */
  fetch(after: number): Promise<HistoryPage>
  /** A fetch failed; it will be tried again. */
  fetchFailed(error: unknown): void
  /** The log is not the one we were reading: join again. */
  rejoin(): void
}

/** Messages beyond a hole that are kept until it is closed; those that come on top are fetched as well. */
const MAX_HELD = 1_000

/** Puts a room's messages into the order of the log: without repeat, and without a hole that is not told. */
export class Inbox {
  readonly #owner: InboxOwner
  readonly #clock: Clock
  readonly #held = new Map<number, LogEntry>()
  #position: Cursor | undefined
  /** Highest seq known to exist; more than the position while something is missing. */
  #known = 0
  /** Changes whenever fetching must stop; undefined while nothing is being fetched. */
  #fetching: object | undefined
  #cancelPause = () => {}

  constructor(owner: InboxOwner, clock: Clock, start: Cursor | undefined) {
    this.#owner = owner
    this.#clock = clock
    this.#position = start
  }

  /** Up to where messages were taken; undefined before the room was ever joined. */
  get position(): Cursor | undefined {
    return this.#position
  }

  /** Starts at a cursor where none is known yet; where one is, what lies between is missing. */
  start({ epoch, seq }: Cursor): void {
    this.#position ??= { epoch, seq }
    if (this.#position.epoch === epoch) this.#need(seq)
  }

  message(message: LogEntry): void {
    if (this.#take(message)) return this.#takeHeld()
    if (message.seq <= this.#seq) return
    if (this.#held.size < MAX_HELD) this.#held.set(message.seq, message)
    this.#need(message.seq)
  }

  gap(gap: Gap): void {
    if (gap.epoch === this.#position?.epoch && gap.code === 'history_trimmed') {
      if (gap.cursor <= this.#seq) return
      // What was lost before the removed messages may still be there; fetching finds both.
      if (gap.missed && gap.missed.from > this.#seq + 1) return this.#need(gap.cursor)
    } else this.stop()
    this.#skip(gap)
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
    return this.#position?.seq ?? 0
  }

  #take(message: LogEntry): boolean {
    const { seq } = message
    if (!this.#position || seq !== this.#seq + 1 || !this.#owner.isReady) return false
    const at = this.#position = { epoch: this.#position.epoch, seq }
    this.#owner.deliver(message, at)
    return true
  }

  #takeHeld(): void {
    for (const seq of this.#held.keys()) if (seq <= this.#seq) this.#held.delete(seq)
    for (let next; (next = this.#held.get(this.#seq + 1)) && this.#take(next);) this.#held.delete(next.seq)
  }

  #skip(gap: Gap): void {
    this.#position = { epoch: gap.epoch, seq: gap.cursor }
    this.#owner.gap(gap)
  }

  /** The log is known to reach to `seq`. */
  #need(seq: number): void {
    this.#known = Math.max(this.#known, seq)
    if (this.#known <= this.#seq || this.#fetching) return
    this.#fetchMissing(this.#fetching = {})
  }

  async #fetchMissing(run: object): Promise<void> {
    const backoff = new Backoff(this.#clock.random)
    while (this.#seq < this.#known) {
      const before = this.#seq
      try {
        const page = await this.#owner.fetch(before)
        if (this.#fetching !== run) return
        if (page.epoch !== this.#position?.epoch) return this.#owner.rejoin()
        this.#takePage(page)
      } catch (error) {
        if (this.#fetching !== run) return
        this.#owner.fetchFailed(error)
      }
      if (this.#seq > before) backoff.reset()
      else await new Promise<void>((resolve) => this.#cancelPause = this.#clock.after(backoff.next(), resolve))
      // A handler, told of what the page had, may have left the room.
      if (this.#fetching !== run) return
    }
    this.#fetching = undefined
  }

  #takePage({ messages, trimmed, head, epoch }: HistoryPage): void {
    for (const message of messages) {
      if (message.seq > this.#seq + 1) this.#skipTo(message.seq - 1, epoch)
      this.#take(message)
    }
    if (messages.length === 0) {
      // Nothing is there: either it was removed, or the log does not reach as far as was said.
      if (trimmed > this.#seq) this.#skipTo(trimmed, epoch)
      this.#known = Math.min(this.#known, head)
    }
    this.#takeHeld()
  }

  #skipTo(seq: number, epoch: string): void {
    const from = this.#seq + 1
    const message = `Messages ${from} to ${seq} of this room were removed.`
    this.#skip({ code: 'history_trimmed', message, missed: { from, to: seq }, cursor: seq, epoch })
  }
}
