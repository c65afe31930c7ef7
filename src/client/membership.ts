import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, ErrorPayload, Gap, Joined, JoinRequest } from '../protocol/reserved.ts'
import type { RotundaError } from '../protocol/rotunda_error.ts'
import { Backoff } from './connection/backoff.ts'
import type { Outbox } from './outbox.ts'
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
 * One room on the wire: joining it on every connection, and handing over its messages in the order of the log, without
 * repeat and without a hole that is not told.
 */
export class Membership {
  declare readonly name: string
  declare readonly receiver: Receiver
  /** Up to where handlers were called. */
  declare cursor: Cursor | undefined
  readonly #request: JoinRequest
  readonly #outbox: Outbox
  readonly #backoff: Backoff
  /** Up to where messages were taken; undefined before the room was ever joined. */
  #position: Cursor | undefined
  /** Messages that came before what is missing, in the order in which they came. */
  readonly #held = new Set<LogEntry>()
  /** Highest seq known to exist; more than the position while something is missing. */
  #known = 0
  /** Is another object whenever fetching begins; undefined while nothing is being fetched. */
  #fetching: object | undefined
  /** Is another object for every attempt to join. */
  #attempt: object | undefined
  #joined = false
  #left = false
  /** Of what is to be tried again after a pause: joining or fetching. */
  #cancelRetry = () => {}

  constructor(name: string, request: JoinRequest, outbox: Outbox, receiver: Receiver) {
    this.name = name
    this.#position = this.cursor = request.since
    this.#request = request
    this.#outbox = outbox
    this.receiver = receiver
    this.#backoff = new Backoff(outbox.connection.clock.random)
    this.join()
  }

  /** Joins where there is a connection, from where we are. */
  join(): void {
    if (this.#attempt || this.#left || !this.#outbox.connection.isOpen) return
    const attempt = this.#attempt = {}
    const payload = this.#position ? { since: this.#position } : this.#request
    const caller = {
      resolve: (joined: unknown) => {
        if (this.#attempt === attempt) this.#enter(joined as Joined)
      },
      reject: (error: RotundaError) => {
        if (this.#attempt === attempt) this.#failed(error)
      },
    }
    this.#outbox.ask({ type: 'room.join', room: this.name, payload }, caller, { timeout: Infinity })
  }

  #rejoin(): void {
    // Delivery starts over from where we are; there is no need to leave for that.
    this.disconnected()
    this.join()
  }

  disconnected(): void {
    this.#joined = false
    this.#attempt = undefined
    this.#stop()
  }

  leave(): void {
    if (this.#attempt) this.#outbox.post({ type: 'room.leave', room: this.name, payload: {} })
    this.disconnected()
    this.#left = true
  }

  receive(envelope: Envelope): void {
    const { type, payload, seq } = envelope
    if (!this.#joined) return
    if (type === 'room.gap') this.#gap(payload as Gap)
    else if (type === 'room.left') {
      const reason = payload as Partial<ErrorPayload>
      this.disconnected()
      this.receiver.tell(type, reason.code && reason as ErrorPayload)
    } else if (seq !== undefined) this.#message(envelope as LogEntry)
    else if (this.receiver.isReady) this.receiver.deliver(envelope)
  }

  #enter(joined: Joined): void {
    this.#joined = true
    this.#backoff.reset()
    const cursor = { epoch: joined.epoch, seq: joined.cursor }
    this.#position ??= cursor
    this.cursor ??= cursor
    // Of the same log, what lies between is missing.
    if (this.#position.epoch === cursor.epoch) this.#need(cursor.seq)
    this.receiver.tell('room.joined', joined)
  }

  #failed(error: RotundaError): void {
    this.#attempt = undefined
    if (error.retryable) this.#retry(() => this.join())
    // Closing the client is what its application wanted.
    else if (error.code !== 'closed') this.receiver.report(error)
  }

  #message(message: LogEntry): void {
    if (this.#take(message)) return this.#takeHeld()
    // Until the hole is closed; what comes on top of so many is fetched as well.
    if (this.#held.size < 1_000) this.#held.add(message)
    this.#need(message.seq)
  }

  #gap(gap: Gap): void {
    const { code, epoch, missed, cursor } = gap
    if (epoch === this.#position!.epoch && code === 'history_trimmed') {
      if (cursor <= this.#position!.seq) return
      // What was lost before the removed messages may still be there; fetching finds both.
      if (missed && missed.from > this.#position!.seq + 1) return this.#need(cursor)
    } else this.#stop()
    const at = this.#position = { epoch, seq: cursor }
    // Nobody handles it there: it only takes its turn.
    this.receiver.deliver({ type: 'room.gap', payload: gap }, () => {
      return this.#advance(at) && this.receiver.tell('room.gap', gap)
    })
    this.#takeHeld()
  }

  /** Forgets what is held and stops fetching: the next join gives it again. */
  #stop(): void {
    this.#held.clear()
    this.#known = 0
    this.#fetching = undefined
    this.#cancelRetry()
  }

  /** Calls after a pause. */
  #retry(call: () => void): void {
    this.#cancelRetry = this.#outbox.connection.clock.after(this.#backoff.next(), call)
  }

  #advance(cursor: Cursor): boolean {
    if (!this.#left) this.cursor = cursor
    return !this.#left
  }

  #take(message: LogEntry): boolean {
    const { seq } = message
    if (seq !== this.#position!.seq + 1 || !this.receiver.isReady) return false
    const at = this.#position = { ...this.#position!, seq }
    this.receiver.deliver(message, () => this.#advance(at))
    return true
  }

  #takeHeld(): void {
    for (const message of this.#held) {
      this.#take(message)
      if (message.seq <= this.#position!.seq) this.#held.delete(message)
    }
  }

  /** The log is known to reach to `seq`. */
  #need(seq: number): void {
    if (seq > this.#known) this.#known = seq
    if (seq > this.#position!.seq && !this.#fetching) this.#fetchMissing(this.#fetching = {})
  }

  async #fetchMissing(run: object): Promise<void> {
    while (this.#position!.seq < this.#known) {
      const before = this.#position!.seq
      try {
        const page = await this.#outbox.history(this.name, { after: before, limit: 200 })
        if (this.#fetching === run) this.#takePage(page)
      } catch (error) {
        if (this.#fetching === run) this.receiver.report(error)
      }
      // Perhaps by a handler that was told of what the page had.
      if (this.#fetching !== run) return
      // A pause that is cancelled is never over.
      if (this.#position!.seq > before) this.#backoff.reset()
      else await new Promise<void>((over) => this.#retry(over))
    }
    this.#fetching = undefined
  }

  #takePage({ messages, trimmed, head, epoch }: HistoryPage): void {
    // Another log, or what is missing was removed.
    if (epoch !== this.#position!.epoch || trimmed > this.#position!.seq) return this.#rejoin()
    for (const message of messages) this.#take(message)
    // The log does not reach as far as was said.
    if (!messages[0]) this.#known = head
    this.#takeHeld()
  }
}
