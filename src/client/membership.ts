import type { Envelope } from '../protocol/envelope.ts'
import type { Cursor, Gap, Joined, JoinRequest } from '../protocol/reserved.ts'
import { readError } from './answers.ts'
import { Backoff } from './connection/backoff.ts'
import { InOrder } from './in_order.ts'
import { type HistoryPage, Inbox, type InboxOwner, type LogEntry } from './inbox.ts'
import type { Link } from './link.ts'
import { Listeners } from './listeners.ts'
import type { Receiver } from './receiver.ts'
import type { Requests } from './requests.ts'
import type { ErrorHandler } from './types.ts'

/** Pauses before a join that the server could not do is tried again, in milliseconds. */
const RETRY = { base: 500, max: 30_000 }
/** Messages that may wait for an asynchronous validator; more are fetched again later. */
const MAX_UNCHECKED = 1_000
/** Messages fetched at once. */
const FETCH = 200

/** One room on the wire: joining it on every connection, and handing over its messages in order. */
export class Membership implements InboxOwner {
  readonly name: string
  readonly gaps = new Listeners<[Gap]>()
  readonly joins = new Listeners<[Joined]>()
  readonly removals = new Listeners<[]>()
  readonly errors = new Listeners<Parameters<ErrorHandler>>()
  readonly #request: JoinRequest
  readonly #link: Link
  readonly #requests: Requests
  readonly #receiver: Receiver
  readonly #inbox: Inbox
  readonly #deliveries = new InOrder()
  readonly #backoff: Backoff
  #cursor: Cursor | undefined
  #joined = false
  #joinRef: string | undefined
  #left = false
  #cancelRetry = () => {}

  constructor(name: string, request: JoinRequest, link: Link, requests: Requests, receiver: Receiver) {
    this.name = name
    this.#request = request
    this.#link = link
    this.#requests = requests
    this.#receiver = receiver
    this.#cursor = request.since
    this.#inbox = new Inbox(this, link, request.since)
    this.#backoff = new Backoff(RETRY, link.clock.random)
    this.join()
  }

  /** Up to where handlers were called. */
  get cursor(): Cursor | undefined {
    return this.#cursor
  }

  get isReady(): boolean {
    return this.#deliveries.waiting < MAX_UNCHECKED
  }

  /** Joins where there is a connection, from where we are. */
  join(): void {
    if (this.#joinRef !== undefined || this.#joined || this.#left || !this.#link.isOpen) return
    const ref = this.#joinRef = this.#link.reference()
    const since = this.#inbox.position
    const payload = since === undefined ? this.#request : { since }
    this.#link.send(this.#link.encode({ type: 'room.join', room: this.name, ref, payload }))
  }

  rejoin(): void {
    if (this.#link.isOpen) this.#sendLeave()
    this.disconnected()
    this.join()
  }

  disconnected(): void {
    this.#joined = false
    this.#joinRef = undefined
    this.#cancelRetry()
    this.#inbox.stop()
  }

  leave(): void {
    if (this.#left) return
    if (this.#joined || this.#joinRef !== undefined) this.#sendLeave()
    this.disconnected()
    this.#left = true
  }

  receive(envelope: Envelope): void {
    const { type, ref, payload, seq } = envelope
    if (type === 'error') return this.#failed(envelope)
    if (type === 'room.joined') {
      if (ref !== undefined && ref === this.#joinRef) this.#enter(payload as Joined)
    } else if (!this.#joined) return
    else if (type === 'room.gap') this.#inbox.gap(payload as Gap)
    else if (type === 'room.left') this.#removed()
    else if (seq === undefined) this.#receiver.receive(envelope, this.#tellError)
    else this.#inbox.message(envelope as LogEntry)
  }

  deliver(message: LogEntry, at: Cursor): void {
    const { read, tell } = this.#receiver.prepare(message)
    const advance = () => {
      if (!this.#left) this.#cursor = at
      return !this.#left
    }
    this.#deliveries.add(
      read,
      (payload) => {
        if (advance()) tell(payload, this.#tellError)
      },
      (error) => {
        if (advance()) this.#tellError(error, message)
      },
    )
  }

  gap(gap: Gap): void {
    const tell = () => {
      if (this.#left) return
      this.#cursor = { epoch: gap.epoch, seq: gap.cursor }
      this.gaps.tell(this.#tellError, gap)
    }
    this.#deliveries.add(() => {}, tell, tell)
  }

  async fetch(after: number): Promise<HistoryPage> {
    const payload = { after, limit: FETCH }
    return await this.#requests.call({ type: 'room.history', room: this.name, payload }) as HistoryPage
  }

  fetchFailed(error: unknown): void {
    this.#tellError(error)
  }

  #sendLeave(): void {
    this.#link.send(this.#link.encode({ type: 'room.leave', room: this.name, payload: {} }))
  }

  #enter(joined: Joined): void {
    this.#joinRef = undefined
    this.#joined = true
    this.#backoff.reset()
    const { epoch, cursor } = joined
    this.#inbox.start({ epoch, seq: cursor })
    this.#cursor ??= { epoch, seq: cursor }
    this.joins.tell(this.#tellError, joined)
  }

  #failed(envelope: Envelope): void {
    const { error, retryable } = readError(envelope)
    const ours = envelope.ref !== undefined && envelope.ref === this.#joinRef
    if (!ours || !retryable) this.#tellError(error)
    if (!ours) return
    this.#joinRef = undefined
    if (retryable) this.#cancelRetry = this.#link.clock.after(this.#backoff.next(), () => this.join())
  }

  #removed(): void {
    this.disconnected()
    this.removals.tell(this.#tellError)
  }

  readonly #tellError = (thrown: unknown, about?: Envelope): void => {
    this.#receiver.report(thrown, { room: this.name, type: about?.type, id: about?.id, seq: about?.seq }, this.errors)
  }
}
