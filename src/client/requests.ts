import { encodeEnvelope } from '../protocol/json_codec.ts'
import type { EncodedEnvelope, Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { abortedError, closedError, type Deferred, deferred, onAbort, readError } from './answers.ts'
import type { Link } from './link.ts'

/** How long to wait for an answer, and when to give up. */
export interface RequestOptions {
  /** Milliseconds until the call rejects with `timeout`. Default: the client's `requestTimeout`. */
  readonly timeout?: number | undefined
  /** Aborting it rejects the call with `aborted`. */
  readonly signal?: AbortSignal | undefined
}

interface Pending extends Deferred<unknown> {
  readonly text: string
  sent: boolean
  release(): void
}

/**
 * Requests and their answers. One that is made while there is no connection waits for it; one that was sent is
 * rejected when the connection is lost, since nobody knows whether it was done.
 */
export class Requests {
  readonly #link: Link
  readonly #pending = new Map<string, Pending>()

  constructor(link: Link) {
    this.#link = link
  }

  /** The payload of the answer. */
  call(envelope: Omit<EncodedEnvelope, 'ref'>, { timeout, signal }: RequestOptions = {}): Promise<unknown> {
    const ref = this.#link.reference()
    const text = encodeEnvelope({ ...envelope, ref })
    const { maxQueue, requestTimeout } = this.#link.settings
    const error = signal?.aborted
      ? abortedError(signal)
      : this.#pending.size >= maxQueue
      ? new RotundaError('queue_full', `${maxQueue} requests wait for their answer already.`)
      : this.#link.tooBig(text)
    if (error !== undefined) return Promise.reject(error)
    const milliseconds = timeout ?? requestTimeout
    const cancelTimer = this.#link.clock.after(milliseconds, () => {
      const message = `No answer to "${envelope.type}" came within ${milliseconds} ms.`
      this.#take(ref)?.reject(new RotundaError('timeout', message))
    })
    const stopWatching = onAbort(signal, () => this.#take(ref)?.reject(abortedError(signal!)))
    const release = () => {
      cancelTimer()
      stopWatching()
    }
    const pending: Pending = { ...deferred(), text, sent: this.#link.send(text), release }
    this.#pending.set(ref, pending)
    return pending.promise
  }

  /** Takes an answer; false when it belongs to no request. */
  answer(envelope: Envelope): boolean {
    const pending = this.#take(envelope.ref ?? '')
    if (pending === undefined) return false
    if (envelope.type === 'error') pending.reject(readError(envelope).error)
    else pending.resolve(envelope.payload)
    return true
  }

  opened(): void {
    for (const [ref, pending] of this.#pending) {
      if (pending.sent) continue
      const error = this.#link.tooBig(pending.text)
      if (error !== undefined) this.#take(ref)?.reject(error)
      else pending.sent = this.#link.send(pending.text)
    }
  }

  disconnected(): void {
    const error = new RotundaError('disconnected', 'The connection was lost before the answer came.')
    for (const [ref, { sent }] of this.#pending) if (sent) this.#take(ref)?.reject(error)
  }

  closed(): void {
    for (const ref of this.#pending.keys()) this.#take(ref)?.reject(closedError())
  }

  #take(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref)
    this.#pending.delete(ref)
    pending?.release()
    return pending
  }
}
