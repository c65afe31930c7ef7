import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { ErrorPayload } from '../protocol/reserved.ts'

/** What an `error` envelope says. A newer server may have codes that are not in our table. */
export function readError({ payload }: Envelope): { readonly error: RotundaError; readonly retryable: boolean } {
  const { code, message, retryable } = (payload ?? {}) as Partial<ErrorPayload>
  return { error: new RotundaError(code ?? 'internal', message ?? ''), retryable: retryable === true }
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
 * A call's promise for its caller. Where nobody looks at it, its failure is an unhandled rejection as it should be, but
 * not with `closed` or `aborted`, which are the caller's own doing.
 */
export function forCaller<T>(work: Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  work.then(resolve, (error) => {
    if (error.code === 'closed' || error.code === 'aborted') promise.catch(() => {})
    reject(error)
  })
  return promise
}

/** Calls once when the signal is aborted; returns what stops watching it. */
export function onAbort(signal: AbortSignal | undefined, call: () => void): () => void {
  signal?.addEventListener('abort', call, { once: true })
  return () => signal?.removeEventListener('abort', call)
}
