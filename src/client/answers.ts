import type { Envelope } from '../protocol/envelope.ts'
import { isErrorCode, RotundaError } from '../protocol/errors.ts'
import type { ErrorPayload } from '../protocol/reserved.ts'

/** What an `error` envelope says. A code of a newer server, unknown here, becomes `internal`. */
export function readError({ payload }: Envelope): { readonly error: RotundaError; readonly retryable: boolean } {
  const { code, message, retryable } = (payload ?? {}) as Partial<ErrorPayload>
  const error = new RotundaError(isErrorCode(code) ? code : 'internal', message ?? 'The server gave no reason.')
  return { error, retryable: retryable === true }
}

/** The error of a call that its caller has given up. */
export function abortedError(signal: AbortSignal): RotundaError {
  return new RotundaError('aborted', 'The call was aborted.', { cause: signal.reason })
}

/** The error of a call on a client that was closed. */
export function closedError(): RotundaError {
  return new RotundaError('closed', 'The client is closed.')
}

/**
 * A promise to be settled elsewhere. Rejecting it with `closed` or `aborted`, the caller's own doing, is not an
 * unhandled rejection where nobody looks at it.
 */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export function deferred<T>(): Deferred<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return {
    promise,
    resolve,
    reject(error) {
      if (error instanceof RotundaError && (error.code === 'closed' || error.code === 'aborted')) {
        promise.catch(() => {})
      }
      reject(error)
    },
  }
}

/** Calls once when the signal is aborted; returns what stops watching it. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  signal?.addEventListener('abort', call, { once: true })
  return () => signal?.removeEventListener('abort', call)
}
