import type { Envelope } from '../protocol/envelope.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { ErrorPayload, HistoryRequest } from '../protocol/reserved.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { Backoff } from './connection/backoff.ts'
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
  /** Whether it is a durable publish: sent until it is acknowledged. Others are sent once. */
  readonly again: boolean
  /** The encoded envelope, the same whenever it is sent. */
  text: string
  /** Whether it is on the wire. */
  sent: boolean
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
  /** Durable publishes on the wire. */
  #sent = 0
  /** One failed: no other is sent until those on the wire have their answers and a pause is over. */
  #holding = false
  #cancelPause: (() => void) | undefined
  #scheduled = false

  constructor(connection: Connection) {
    this.#connection = connection
    this.#backoff = new Backoff(connection.clock.random)
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
  ask(envelope: Envelope, caller: Caller, options: RequestOptions = {}, again = false): void {
    const { clock, settings } = this.#connection
    const { signal, timeout = settings.requestTimeout } = options
    const ref = String(++this.#references)
    const abort = () => this.#reject(ref, 'aborted', 'The call was aborted.', signal!.reason)
    const unwatch = () => signal?.removeEventListener('abort', abort)
    const entry: Entry = { ...caller, again, text: '', sent: false, cancelTimer() {}, unwatch }
    this.#entries.set(ref, entry)
    if (this.isEnded) return this.end()
    if (signal?.aborted) return abort()
    if (this.#entries.size - this.#sent > settings.maxQueue) {
      return this.#reject(ref, 'queue_full', `${settings.maxQueue} calls wait already.`)
    }
    try {
      entry.text = this.#encode({ ...envelope, ref })
    } catch (error) {
      return this.#settle(ref)?.reject(error as RotundaError)
    }
    signal?.addEventListener('abort', abort)
    if (again) return this.#proceed()
    entry.cancelTimer = clock.after(timeout, () => this.#reject(ref, 'timeout', `No answer within ${timeout} ms.`))
    this.#send(ref, entry)
  }

  /** A page of a room's log. */
  history(room: string, payload: HistoryRequest): Promise<HistoryPage> {
    return this.call({ type: 'room.history', room, payload }) as Promise<HistoryPage>
  }

  /** Takes an answer; false when nobody waits for it. */
  answer({ type, ref = '', payload }: Envelope): boolean {
    const entry = this.#entries.get(ref)
    if (!entry) return false
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

  /** The connection is gone: publishes that were on it go back to their place. */
  disconnected(): void {
    this.#stopHolding()
    for (const [ref, entry] of this.#entries) {
      if (entry.again) this.#unsend(entry)
      else if (entry.sent) this.#reject(ref, 'disconnected', 'The connection was lost.')
    }
  }

  /** Nothing will be sent any more. */
  end(): void {
    this.isEnded = true
    this.#stopHolding()
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
    throw new RotundaError('message_too_big', `The message has more than ${maxMessageSize} bytes.`)
  }

  #reject(ref: string, code: ErrorCode, message: string, cause?: unknown): void {
    this.#settle(ref)?.reject(new RotundaError(code, message, { cause }))
  }

  #settle(ref: string): Entry | undefined {
    const entry = this.#entries.get(ref)
    if (!entry) return undefined
    this.#entries.delete(ref)
    this.#unsend(entry)
    entry.unwatch()
    this.#schedule()
    return entry
  }

  #unsend(entry: Entry): void {
    entry.cancelTimer()
    if (entry.again && entry.sent) this.#sent -= 1
    entry.sent = false
  }

  #fail(entry: Entry): void {
    // What is told late, of an attempt given up already, changes nothing.
    if (entry.sent) this.#holding = true
    this.#unsend(entry)
    this.#schedule()
  }

  #send(ref: string, entry: Entry): void {
    if (entry.sent || !this.#connection.isOpen) return
    try {
      this.#check(entry.text)
    } catch (error) {
      return this.#settle(ref)?.reject(error as RotundaError)
    }
    const { clock, settings } = this.#connection
    this.#connection.send(entry.text)
    entry.sent = true
    if (!entry.again) return
    this.#sent += 1
    entry.cancelTimer = clock.after(settings.ackTimeout, () => this.#fail(entry))
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

  #proceed(): void {
    const { clock, isOpen, settings: { maxInFlight } } = this.#connection
    if (!isOpen) return
    if (this.#holding) {
      if (this.#sent > 0) return
      this.#cancelPause ??= clock.after(this.#backoff.next(), () => {
        this.#stopHolding()
        this.#proceed()
      })
      return
    }
    for (const [ref, entry] of this.#entries) {
      if (this.#sent >= maxInFlight) return
      if (entry.again) this.#send(ref, entry)
    }
  }

  #stopHolding(): void {
    this.#holding = false
    this.#cancelPause?.()
    this.#cancelPause = undefined
  }
}
