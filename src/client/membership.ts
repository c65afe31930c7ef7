import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, ErrorPayload, Gap, Joined, JoinRequest } from '../protocol/reserved.ts'
import type { Connection } from './connection/connection.ts'
import { Backoff } from './connection/backoff.ts'
import type { RotundaError } from '../protocol/rotunda_error.ts'
import { type HistoryPage, Inbox, type LogEntry } from './inbox.ts'
import { Listeners } from './listeners.ts'
import type { Outbox } from './outbox.ts'
import type { Receiver } from './receiver.ts'
import type { RemovalReason } from './types.ts'

/** One room on the wire: joining it on every connection, and handing over its messages in order. */
export class Membership extends Inbox {
  declare readonly name: string
  readonly gaps: Listeners<[Gap]> = new Listeners()
  readonly joins: Listeners<[Joined]> = new Listeners()
  readonly removals: Listeners<[RemovalReason | undefined]> = new Listeners()
  readonly #request: JoinRequest
  readonly #outbox: Outbox
  readonly #backoff: Backoff
  /** Up to where handlers were called. */
  declare cursor: Cursor | undefined
  /** Is another object for every attempt to join. */
  #attempt: object | undefined
  #joined = false
  #left = false
  #cancelRetry = () => {}

  constructor(name: string, request: JoinRequest, connection: Connection, outbox: Outbox, receiver: Receiver) {
    super(connection, receiver, request.since)
    this.name = name
    this.#request = request
    this.#outbox = outbox
    this.cursor = request.since
    this.#backoff = new Backoff(connection.clock.random)
    this.join()
  }

  /** Joins where there is a connection, from where we are. */
  join(): void {
    if (this.#attempt || this.#left || !this.connection.isOpen) return
    const attempt = this.#attempt = {}
    const since = this.position
    const payload = since ? { since } : this.#request
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

  rejoin(): void {
    // Delivery starts over from where we are; there is no need to leave for that.
    this.disconnected()
    this.join()
  }

  disconnected(): void {
    this.#joined = false
    this.#attempt = undefined
    this.#cancelRetry()
    this.stop()
  }

  leave(): void {
    if (this.#attempt) this.#outbox.post({ type: 'room.leave', room: this.name, payload: {} })
    this.disconnected()
    this.#left = true
  }

  receive(envelope: Envelope): void {
    const { type, payload, seq } = envelope
    if (!this.#joined) return
    if (type === 'room.gap') this.gap(payload as Gap)
    else if (type === 'room.left') {
      const reason = payload as Partial<ErrorPayload>
      this.disconnected()
      this.removals.tell(this.receiver.report, reason.code && reason as ErrorPayload)
    } else if (seq !== undefined) this.message(envelope as LogEntry)
    else if (this.receiver.isReady) this.receiver.deliver(envelope)
  }

  deliver(message: LogEntry, at: Cursor): void {
    this.receiver.deliver(message, () => this.#advance(at))
  }

  tellGap(gap: Gap): void {
    // Nobody handles it there: it only takes its turn.
    this.receiver.deliver({ type: 'room.gap', payload: gap }, () => {
      return this.#advance({ epoch: gap.epoch, seq: gap.cursor }) && this.gaps.tell(this.receiver.report, gap)
    })
  }

  fetch(after: number): Promise<HistoryPage> {
    return this.#outbox.history(this.name, { after, limit: 200 })
  }

  #advance(cursor: Cursor): boolean {
    if (!this.#left) this.cursor = cursor
    return !this.#left
  }

  #enter(joined: Joined): void {
    this.#joined = true
    this.#backoff.reset()
    const cursor = { epoch: joined.epoch, seq: joined.cursor }
    this.start(cursor)
    this.cursor ??= cursor
    this.joins.tell(this.receiver.report, joined)
  }

  #failed(error: RotundaError): void {
    this.#attempt = undefined
    if (error.retryable) this.#cancelRetry = this.connection.clock.after(this.#backoff.next(), () => this.join())
    // Closing the client is what its application wanted.
    else if (error.code !== 'closed') this.receiver.report(error)
  }
}
