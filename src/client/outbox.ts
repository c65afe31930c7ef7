import type { Envelope } from '../protocol/envelope.ts'
import type { ErrorPayload, HistoryRequest } from '../protocol/reserved.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { Backoff, RETRY } from './connection/backoff.ts'
import type { Connection } from './connection/connection.ts'
import { fits } from './connection/frames.ts'
import type { HistoryPage } from './inbox.ts'

/** How long to wait for an answer, and when to give up. */
export interface RequestOptions {
  /** Milliseconds until the call rejects with `timeout`. Default: the client's `requestTimeout`. */
  readonly timeout?: number | undefined
  /** Aborting it rejects the call with `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** What an `error` says. A newer server may have codes that are not in our table. */
export function readError(payload: unknown): RotundaError {
  const { code, message } = (payload ?? {}) as Partial<ErrorPayload>
  return new RotundaError(code ?? 'internal', message ?? '')
}

/** Bytes that may wait for the network before ephemeral events are dropped. */
const MAX_BUFFERED = 1024 * 1024

/** Who waits for an answer. */
export interface Caller {
  /** Given the answer's payload. */
  resolve(payload: unknown): void
  reject(error: RotundaError): void
}

/** A call without an answer yet. */
interface Entry extends Caller {
  /** The encoded envelope, the same whenever it is sent. */
  readonly text: string
  /** Whether it is a durable publish: sent until it is acknowledged. Others are sent once. */
  readonly again: boolean
  state: 'waiting' | 'sent' | 'failed'
  cancelTimer(): void
  unwatch(): void
}

/**
 * What was asked of the server, from the call to its answer, in the order of the calls.
 *
 * A durable publish keeps its place until it is settled: after a lost connection, a missing ack or a retryable error all
 * that are not settled are sent again from the front, under the same keys, so that one client's order is kept as far as
 * the server lets it. A request is sent once, when there is a connection; if that is lost nobody knows whether it was
 * done, and it is rejected.
 */
export class Outbox {
  /** Nothing is taken any more, until the application connects again. */
  isEnded = false
  readonly #connection: Connection
  readonly #entries = new Map<string, Entry>()
  readonly #backoff: Backoff
  #references = 0
  /** Durable publishes by state. */
  readonly #count = { waiting: 0, sent: 0, failed: 0 }
  #scheduled = false
  /** Cancels the pause before a retry; undefined when there is none. */
  #cancelPause: (() => void) | undefined

  constructor(connection: Connection) {
    this.#connection = connection
    this.#backoff = new Backoff(RETRY, connection.clock.random)
  }

  /**
   * Sends something that is not answered, at most once; dropped while there is no connection or too much waits for it.
   * @throws {RotundaError} `message_too_big`, or `invalid_payload` for what JSON cannot say.
   */
  post(envelope: Envelope): void {
    const text = this.#encode(envelope)
    if (this.#connection.bufferedAmount <= MAX_BUFFERED) this.#connection.send(text)
  }

  /** Asks, and gives the payload of the answer. */
  call(envelope: Envelope, options: RequestOptions = {}, again = false): Promise<unknown> {
    return new Promise((resolve, reject) => this.ask(envelope, { resolve, reject }, options, again))
  }

  /** The same with callbacks: the caller learns of the answer before anything that comes after it. */
  ask(envelope: Envelope, caller: Caller, { signal, timeout }: RequestOptions = {}, again = false): void {
    const { clock, settings: { maxQueue, requestTimeout } } = this.#connection
    const ref = String(++this.#references)
    const abort = () => this.#reject(ref, 'aborted', 'The call was aborted.', { cause: signal!.reason })
    try {
      if (this.isEnded) throw new RotundaError('closed', 'The client is closed.')
      if (this.#entries.size - this.#count.sent >= maxQueue) {
        throw new RotundaError('queue_full', `${maxQueue} calls wait already.`)
      }
      const text = this.#encode({ ...envelope, ref })
      const unwatch = () => signal?.removeEventListener('abort', abort)
      if (again) this.#count.waiting += 1
      this.#entries.set(ref, { ...caller, text, again, state: 'waiting', cancelTimer() {}, unwatch })
    } catch (error) {
      return caller.reject(error as RotundaError)
    }
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort)
    const entry = this.#entries.get(ref)!
    if (again) return this.#proceed()
    const wait = timeout ?? requestTimeout
    entry.cancelTimer = clock.after(wait, () => this.#reject(ref, 'timeout', `No answer came within ${wait} ms.`))
    this.#send(ref, entry)
  }

  /** A page of a room's log. */
  history(room: string, payload: HistoryRequest): Promise<HistoryPage> {
    return this.call({ type: 'room.history', room, payload }) as Promise<HistoryPage>
  }

  /** Takes an answer; false when nobody waits for it. */
  answer({ type, ref = '', payload }: Envelope): boolean {
    const entry = this.#entries.get(ref)
    if (entry === undefined) return false
    if (type !== 'error') {
      if (entry.again) this.#backoff.reset()
      this.#settle(ref)
      entry.resolve(payload)
    } else if (entry.again && (payload as Partial<ErrorPayload> | null)?.retryable) this.#fail(entry)
    else this.#settle(ref)?.reject(readError(payload))
    return true
  }

  opened(): void {
    for (const [ref, entry] of this.#entries) if (!entry.again) this.#send(ref, entry)
    this.#proceed()
  }

  /** The connection is gone: what was on it goes back to its place. */
  disconnected(): void {
    this.#stopPause()
    for (const [ref, entry] of this.#entries) {
      if (entry.again) this.#move(entry, 'waiting')
      else if (entry.state === 'sent') {
        this.#reject(ref, 'disconnected', 'The connection was lost before the answer came.')
      }
    }
  }

  /** Nothing will be sent any more. */
  end(): void {
    this.isEnded = true
    this.#stopPause()
    for (const ref of this.#entries.keys()) this.#reject(ref, 'closed', 'The client is closed.')
  }

  #encode(envelope: Envelope): string {
    let text: string
    try {
      text = JSON.stringify(envelope)
    } catch (cause) {
      throw new RotundaError('invalid_payload', 'payload: cannot be written as JSON', { cause })
    }
    this.#check(text)
    return text
  }

  #check(text: string): void {
    const { maxMessageSize = Infinity } = this.#connection.welcome ?? {}
    if (fits(text, maxMessageSize)) return
    throw new RotundaError('message_too_big', `The server takes no message of more than ${maxMessageSize} bytes.`)
  }

  #reject(ref: string, ...[code, message, options]: ConstructorParameters<typeof RotundaError>): void {
    this.#settle(ref)?.reject(new RotundaError(code, message, options))
  }

  #settle(ref: string): Entry | undefined {
    const entry = this.#entries.get(ref)
    if (entry === undefined) return undefined
    this.#entries.delete(ref)
    if (entry.again) this.#count[entry.state] -= 1
    entry.cancelTimer()
    entry.unwatch()
    this.#schedule()
    return entry
  }

  #move(entry: Entry, state: Entry['state']): void {
    entry.cancelTimer()
    this.#count[entry.state] -= 1
    this.#count[state] += 1
    entry.state = state
  }

  #fail(entry: Entry): void {
    // What is told late, of an attempt given up already, changes nothing.
    if (entry.state === 'sent') this.#move(entry, 'failed')
    this.#schedule()
  }

  #send(ref: string, entry: Entry): void {
    const { clock, settings: { ackTimeout } } = this.#connection
    if (entry.state !== 'waiting') return
    try {
      this.#check(entry.text)
    } catch (error) {
      return this.#settle(ref)?.reject(error as RotundaError)
    }
    if (!this.#connection.send(entry.text)) return
    if (!entry.again) return void (entry.state = 'sent')
    this.#move(entry, 'sent')
    entry.cancelTimer = clock.after(ackTimeout, () => this.#fail(entry))
  }

  /** All answers of one frame count before anything more is sent: one of them may be a failure. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#proceed()
    })
  }

  /** Nothing new is sent once something failed; when the rest has its answer too, all goes on in the old order. */
  #proceed(): void {
    const { clock, settings: { maxInFlight } } = this.#connection
    if (this.#count.failed > 0) {
      if (this.#count.sent === 0) this.#cancelPause ??= clock.after(this.#backoff.next(), () => this.#goOn())
      return
    }
    for (const [ref, entry] of this.#entries) {
      if (this.#count.sent >= maxInFlight || !this.#connection.isOpen) return
      if (entry.again) this.#send(ref, entry)
    }
  }

  #goOn(): void {
    this.#stopPause()
    for (const entry of this.#entries.values()) if (entry.state === 'failed') this.#move(entry, 'waiting')
    this.#proceed()
  }

  #stopPause(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
  }
}
