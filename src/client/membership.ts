import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, Gap, Joined, JoinRequest } from '../protocol/reserved.ts'
import type { Connection } from './connection/connection.ts'
import { Backoff } from './connection/backoff.ts'
import type { RotundaError } from '../protocol/rotunda_error.ts'
import { type HistoryPage, Inbox, type InboxOwner, type LogEntry } from './inbox.ts'
import { Listeners } from './listeners.ts'
import type { Outbox } from './outbox.ts'
import type { Receiver } from './receiver.ts'

/** Messages fetched at once. */
const FETCH = 200

/** One room on the wire: joining it on every connection, and handing over its messages in order. */
export class Membership implements InboxOwner {
  readonly name: string
  readonly receiver: Receiver
  readonly gaps: Listeners<[Gap]> = new Listeners()
  readonly joins: Listeners<[Joined]> = new Listeners()
  readonly removals: Listeners<[]> = new Listeners()
  readonly #request: JoinRequest
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #inbox: Inbox
  readonly #backoff: Backoff
  #cursor: Cursor | undefined
  /** Is another object for every attempt to join. */
  #attempt: object | undefined
  #joined = false
  #left = false
  #cancelRetry = () => {}

  constructor(name: string, request: JoinRequest, connection: Connection, outbox: Outbox, receiver: Receiver) {
    this.name = name
    this.#request = request
    this.#connection = connection
    this.#outbox = outbox
    this.receiver = receiver
    this.#cursor = request.since
    this.#inbox = new Inbox(this, connection.clock, request.since)
    this.#backoff = new Backoff(connection.clock.random)
    this.join()
  }

  /** Up to where handlers were called. */
  get cursor(): Cursor | undefined {
    return this.#cursor
  }

  get isReady(): boolean {
    return this.receiver.isReady
  }

  /** Joins where there is a connection, from where we are. */
  join(): void {
    if (this.#attempt || this.#left || !this.#connection.isOpen) return
    const attempt = this.#attempt = {}
    const since = this.#inbox.position
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
    this.#sendLeave()
    this.disconnected()
    this.join()
  }

  disconnected(): void {
    this.#joined = false
    this.#attempt = undefined
    this.#cancelRetry()
    this.#inbox.stop()
  }

  leave(): void {
    if (this.#attempt) this.#sendLeave()
    this.disconnected()
    this.#left = true
  }

  receive(envelope: Envelope): void {
    const { type, payload, seq } = envelope
    if (!this.#joined) return
    if (type === 'room.gap') this.#inbox.gap(payload as Gap)
    else if (type === 'room.left') this.#removed()
    else if (seq !== undefined) this.#inbox.message(envelope as LogEntry)
    else if (this.isReady) this.receiver.deliver(envelope)
  }

  deliver(message: LogEntry, at: Cursor): void {
    this.receiver.deliver(message, () => this.#advance(at))
  }

  gap(gap: Gap): void {
    this.receiver.afterwards(() => {
      if (this.#advance({ epoch: gap.epoch, seq: gap.cursor })) this.gaps.tell(this.receiver.report, gap)
    })
  }

  fetch(after: number): Promise<HistoryPage> {
    return this.#outbox.history(this.name, { after, limit: FETCH })
  }

  fetchFailed(error: unknown): void {
    this.receiver.report(error)
  }

  #advance(cursor: Cursor): boolean {
    if (!this.#left) this.#cursor = cursor
    return !this.#left
  }

  #sendLeave(): void {
    this.#outbox.post({ type: 'room.leave', room: this.name, payload: {} })
  }

  #enter(joined: Joined): void {
    this.#joined = true
    this.#backoff.reset()
    const cursor = { epoch: joined.epoch, seq: joined.cursor }
    this.#inbox.start(cursor)
    this.#cursor ??= cursor
    this.joins.tell(this.receiver.report, joined)
  }

  #failed(error: RotundaError): void {
    this.#attempt = undefined
    if (error.retryable) this.#cancelRetry = this.#connection.clock.after(this.#backoff.next(), () => this.join())
    // Closing the client is what its application wanted.
    else if (error.code !== 'closed') this.receiver.report(error)
  }

  #removed(): void {
    this.disconnected()
    this.removals.tell(this.receiver.report)
  }
}
