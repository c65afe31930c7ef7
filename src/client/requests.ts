import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { abortedError, closedError, onAbort, readError } from './answers.ts'
import type { Link } from './link.ts'

/** How long to wait for an answer, and when to give up. */
export interface RequestOptions {
  /** Milliseconds until the call rejects with `timeout`. Default: the client's `requestTimeout`. */
  readonly timeout?: number | undefined
  /** Aborting it rejects the call with `aborted`. */
  readonly signal?: AbortSignal | undefined
}

interface Pending {
  readonly text: string
  sent: boolean
  resolve(payload: unknown): void
  reject(error: RotundaError): void
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
  // Async, so that what is thrown becomes the promise's rejection.
  // deno-lint-ignore require-await
  async call(envelope: Envelope, { timeout, signal }: RequestOptions = {}): Promise<unknown> {
    this.#link.admit(this.#pending.size, signal)
    const ref = this.#link.reference()
    const text = this.#link.encode({ ...envelope, ref })
    const milliseconds = timeout ?? this.#link.settings.requestTimeout
    const cancelTimer = this.#link.clock.after(milliseconds, () => {
      const message = `No answer to "${envelope.type}" came within ${milliseconds} ms.`
      this.#take(ref)?.reject(new RotundaError('timeout', message))
    })
    const stopWatching = onAbort(signal, () => this.#take(ref)?.reject(abortedError(signal!)))
    const release = () => {
      cancelTimer()
      stopWatching()
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#pending.set(ref, { text, sent: this.#link.send(text), resolve, reject, release })
    return promise
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
