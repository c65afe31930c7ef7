import type { Frame } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Link } from './link.ts'

/** The longest that timers of runtimes take, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** How long to wait for a frame. */
export interface ReadOptions {
  /** Milliseconds until it is given up with `timeout`. Default: as long as the connection lives. */
  readonly timeout?: number | undefined
  /** Gives up with `aborted`. A frame that comes later is left for the next to read. */
  readonly signal?: AbortSignal | undefined
}

/** The next frame of a connection; see `RawConnection.read`. */
export function read<M>(link: Link<M>, { timeout = Infinity, signal }: ReadOptions): Promise<Frame> {
  return new Promise((resolve, reject) => {
    checkTimeout(timeout)
    if (signal?.aborted) throw abortedBy(signal)
    const waiting = taken(link)
    if (waiting !== undefined) return resolve(waiting)
    if (!link.isUsable) throw link.closedError()
    const settle = () => {
      giveUp()
      cancelTimer?.()
      signal?.removeEventListener('abort', abort)
    }
    const late = () => {
      settle()
      reject(new RotundaError('timeout', `Nothing arrived within ${timeout} ms.`))
    }
    // First, as it may throw: who has given up must not be given a frame.
    const cancelTimer = timeout > LONGEST ? undefined : link.owner.executor.after(timeout, late)
    const giveUp = link.inbox.await({
      take: (frame) => {
        settle()
        resolve(frame)
      },
      end: () => {
        settle()
        reject(link.closedError())
      },
    })
    const abort = () => {
      settle()
      reject(abortedBy(signal))
    }
    signal?.addEventListener('abort', abort)
  })
}

/** The next frame of a connection; undefined when there will be none. */
export function readOrEnd<M>(link: Link<M>): Promise<Frame | undefined> {
  const waiting = taken(link)
  if (waiting !== undefined || !link.isUsable) return Promise.resolve(waiting)
  return new Promise((resolve) => link.inbox.await({ take: resolve, end: () => resolve(undefined) }))
}

function taken<M>(link: Link<M>): Frame | undefined {
  const first = link.inbox.shift()
  if (first !== undefined) link.inbox.release(first.bytes)
  return first?.frame
}

function checkTimeout(timeout: number): void {
  if (timeout >= 0) return
  throw new RotundaError('invalid_config', `timeout is ${timeout}; it must be a number of milliseconds from 0.`)
}

function abortedBy(signal: AbortSignal | undefined): RotundaError {
  return new RotundaError('aborted', 'The read was given up.', { cause: signal?.reason })
}
