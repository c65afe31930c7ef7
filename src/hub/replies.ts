import type { Envelope } from '../protocol/envelope.ts'
import { type ErrorCode, isErrorCode, RotundaError } from '../protocol/errors.ts'
import type { Executor } from './executor.ts'

/** How a client is asked. */
export interface AskOptions {
  /** Milliseconds until the call rejects with `timeout`; Infinity for as long as the session lives. Default 10,000. */
  readonly timeout?: number
  /** Aborting it rejects the call with `aborted`. */
  readonly signal?: AbortSignal
}

interface Pending {
  readonly resolve: (payload: unknown) => void
  readonly reject: (error: RotundaError) => void
  readonly release: () => void
}

const DEFAULT_TIMEOUT = 10_000
/** Requests that may wait for one client's answers. */
const MAX_PENDING = 1_024
const LONGEST_MESSAGE = 1_000
/** The longest that timers of runtimes take, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** What was asked of one client and is not answered yet. */
export class Replies {
  readonly #executor: Executor
  readonly #pending = new Map<string, Pending>()
  /** References of answers that were taken ahead of their turn. */
  readonly #early = new Set<string>()
  #count = 0

  constructor(executor: Executor) {
    this.#executor = executor
  }

  /**
   * @param send Puts the request on the wire under a reference; false when the connection is over.
   * @throws {RotundaError} As rejection: `timeout`, `aborted`, `disconnected`, `queue_full`, `invalid_config` for a timeout that is
   * none, or the client's error.
   */
  ask(send: (ref: string) => boolean, { timeout = DEFAULT_TIMEOUT, signal }: AskOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      checkTimeout(timeout)
      if (signal?.aborted) return reject(aborted(signal))
      if (this.#pending.size >= MAX_PENDING) {
        return reject(new RotundaError('queue_full', `${MAX_PENDING} requests wait for this client's answers already.`))
      }
      const ref = `s${++this.#count}`
      const fail = (error: RotundaError) => this.#take(ref)?.reject(error)
      const abort = () => fail(aborted(signal!))
      const late = () => fail(new RotundaError('timeout', `The client did not answer within ${timeout} ms.`))
      const cancelTimer = timeout > LONGEST ? undefined : this.#executor.after(timeout, late)
      signal?.addEventListener('abort', abort)
      const release = () => {
        cancelTimer?.()
        signal?.removeEventListener('abort', abort)
      }
      this.#pending.set(ref, { resolve, reject, release })
      if (!send(ref)) fail(new RotundaError('disconnected', 'The session is over.'))
    })
  }

  /** Whether any answer is awaited. */
  get isWaiting(): boolean {
    return this.#pending.size > 0
  }

  /** Takes an answer from a frame whose turn has not come; when it comes, `settle` knows it. */
  settleEarly(envelope: Envelope): void {
    if (this.settle(envelope)) this.#early.add(envelope.ref!)
  }

  /** Takes a client's answer; false when nothing waits for it. */
  settle({ type, ref = '', payload }: Envelope): boolean {
    if (this.#early.delete(ref)) return true
    const pending = this.#take(ref)
    if (pending === undefined) return false
    if (type === 'error') pending.reject(readError(payload))
    else pending.resolve(payload)
    return true
  }

  /** No frame waits for its turn any more: what was taken early came in it, or was refused. */
  forgetEarly(): void {
    this.#early.clear()
  }

  /** No answer will come any more. */
  end(): void {
    for (const ref of this.#pending.keys()) {
      this.#take(ref)?.reject(new RotundaError('disconnected', 'The session ended before it answered.'))
    }
  }

  #take(ref: string): Pending | undefined {
    const pending = this.#pending.get(ref)
    if (pending === undefined) return undefined
    this.#pending.delete(ref)
    pending.release()
    return pending
  }
}

function checkTimeout(timeout: number): void {
  if (timeout >= 0) return
  throw new RotundaError('invalid_config', `timeout is ${timeout}; it must be a number of milliseconds from 0.`)
}

function aborted(signal: AbortSignal): RotundaError {
  return new RotundaError('aborted', 'The request was aborted.', { cause: signal.reason })
}

function readError(payload: unknown): RotundaError {
  const { code, message } = typeof payload === 'object' && payload !== null
    ? payload as { code?: unknown; message?: unknown }
    : {}
  const known: ErrorCode = isErrorCode(code) ? code : 'internal'
  return new RotundaError(known, typeof message === 'string' ? message.slice(0, LONGEST_MESSAGE) : '')
}
