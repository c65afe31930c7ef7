import type { EncodedEnvelope, Envelope } from '../protocol/envelope.ts'
import type { ErrorCode } from '../protocol/errors.ts'
import type { ErrorPayload, HistoryRequest } from '../protocol/reserved.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { Backoff } from './connection/backoff.ts'
import type { Connection } from './connection/connection.ts'
import { unpack } from './connection/json.ts'
import type { HistoryPage } from './membership.ts'

/** How long to wait for an answer, and when to give up. */
export interface RequestOptions {
  /** Milliseconds until the call rejects with `timeout`. Default: the client's `requestTimeout`. */
  readonly timeout?: number | undefined
  /** Aborting it rejects the call with `aborted`. */
  readonly signal?: AbortSignal | undefined
}

/** What an `error` says. A newer server may have codes that are not in our table. */
export function readError(payload: unknown): RotundaError {
  const { code = 'internal', message = '' } = (payload ?? {}) as Partial<ErrorPayload>
  return new RotundaError(code, message)
}

/**
 * An envelope as it is sent, whatever becomes of the payload it was made of.
 * @throws {RotundaError} `invalid_payload`
 */
export function encode(envelope: Envelope): EncodedEnvelope {
  const { payload } = envelope
  try {
    const encoded = payload instanceof Uint8Array ? new Uint8Array(payload) : JSON.stringify(payload) ?? '{}'
    return { ...envelope, payload: encoded }
  } catch (cause) {
    throw new RotundaError('invalid_payload', 'payload: not JSON', { cause })
  }
}

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
  /** The same whenever it is sent. */
  readonly envelope: EncodedEnvelope
  /** Whether it is on the wire. */
  sent: boolean
  cancelTimer(): void
  readonly signal: AbortSignal | undefined
  abort(): void
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
  declare readonly connection: Connection
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
    this.connection = connection
    this.#backoff = new Backoff(connection.clock.random)
  }

  /**
   * Sends something that is not answered, at most once; dropped while there is no connection or too much waits for it.
   * @throws {RotundaError} `message_too_big`, or `invalid_payload` for what JSON cannot say.
   */
  post(envelope: Envelope): void {
    this.connection.send(encode(envelope), 1e6)
  }

  /** Asks, and gives the payload of the answer. */
  call(envelope: Envelope, options?: RequestOptions): Promise<unknown> {
    return new Promise((resolve, reject) => this.ask(envelope, { resolve, reject }, options))
  }

  /**
   * The same with callbacks: the caller learns of the answer before anything that comes after it.
   * @throws {RotundaError} `invalid_payload` for what JSON cannot say.
   */
  ask(envelope: Envelope, caller: Caller, options: RequestOptions = {}, again = false): void {
    const { clock, settings } = this.connection
    const { signal, timeout = settings.requestTimeout } = options
    const ref = String(++this.#references)
    const abort = () => this.#reject(entry, 'aborted', 'The call was aborted.', signal!.reason)
    const entry: Entry = {
      ...caller,
      again,
      envelope: encode({ ...envelope, ref }),
      sent: false,
      cancelTimer() {},
      signal,
      abort,
    }
    this.#entries.set(ref, entry)
    if (this.isEnded) return this.end()
    if (signal?.aborted) return abort()
    if (this.#entries.size - this.#sent > settings.maxQueue) {
      return this.#reject(entry, 'queue_full', `${settings.maxQueue} calls wait.`)
    }
    signal?.addEventListener('abort', abort)
    if (again) return this.#proceed()
    entry.cancelTimer = clock.after(timeout, () => this.#reject(entry, 'timeout', `No answer in ${timeout} ms.`))
    this.#send(entry)
  }

  /** Takes a request of the server. Replaced by what can answer it. */
  serve({ type, ref }: Envelope): boolean {
    const payload = { code: 'not_found', message: `No "${type}" here.` }
    this.post({ type: 'error', kind: 'reply', ref, payload } as Envelope)
    return true
  }

  /** A page of a room's log. */
  async history(room: string, payload: HistoryRequest): Promise<HistoryPage> {
    const page = await this.call({ type: 'room.history', room, payload }) as HistoryPage
    page.messages.forEach(unpack)
    return page
  }

  /** Takes an answer, or a request; false for anything else. */
  take(envelope: Envelope): boolean {
    const { type, kind, ref = '', payload } = envelope
    // Its references are the server's, and may be the same as ours.
    if (kind === 'request') return this.serve(envelope)
    const entry = this.#entries.get(ref)
    if (!entry) return type === 'ack' || kind === 'reply'
    if (type !== 'error') {
      if (entry.again) this.#backoff.reset()
      this.#settle(entry)
      entry.resolve(payload)
    } else if (entry.again && (payload as Partial<ErrorPayload> | null)?.retryable) this.#fail(entry)
    else this.#settle(entry, readError(payload))
    return true
  }

  opened(): void {
    for (const entry of this.#entries.values()) if (!entry.again) this.#send(entry)
    this.#proceed()
  }

  /** The connection is gone: publishes that were on it go back to their place. */
  disconnected(): void {
    this.#stopHolding()
    for (const entry of this.#entries.values()) {
      if (entry.again) this.#unsend(entry)
      else if (entry.sent) this.#reject(entry, 'disconnected', 'The connection is lost.')
    }
  }

  /** Nothing will be sent any more. */
  end(): void {
    this.isEnded = true
    this.#stopHolding()
    for (const entry of this.#entries.values()) this.#reject(entry, 'closed', 'The client is closed.')
  }

  #reject(entry: Entry, code: ErrorCode, message: string, cause?: unknown): void {
    this.#settle(entry, new RotundaError(code, message, { cause }))
  }

  #settle(entry: Entry, error?: RotundaError): void {
    // Rejecting one may have rejected others.
    if (!this.#entries.delete(entry.envelope.ref!)) return
    this.#unsend(entry)
    entry.signal?.removeEventListener('abort', entry.abort)
    this.#schedule()
    if (error) entry.reject(error)
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

  #send(entry: Entry): void {
    if (entry.sent || !this.connection.isOpen) return
    try {
      this.connection.send(entry.envelope)
    } catch (error) {
      return this.#settle(entry, error as RotundaError)
    }
    const { clock, settings } = this.connection
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
    const { clock, isOpen, settings: { maxInFlight } } = this.connection
    if (!isOpen) return
    if (this.#holding) {
      if (this.#sent) return
      this.#cancelPause ??= clock.after(this.#backoff.next(), () => {
        this.#stopHolding()
        this.#proceed()
      })
      return
    }
    for (const entry of this.#entries.values()) {
      if (this.#sent >= maxInFlight) return
      if (entry.again) this.#send(entry)
    }
  }

  #stopHolding(): void {
    this.#holding = false
    this.#cancelPause?.()
    this.#cancelPause = undefined
  }
}
