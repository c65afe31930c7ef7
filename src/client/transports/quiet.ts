import type { Outbox } from '../outbox.ts'
import type { RotundaError } from '../../protocol/rotunda_error.ts'

/** How often to look, and how long apart, in milliseconds. */
const LOOKS = 20
const APART = 50

/**
 * Gives what brings about a moment in which no request waits for its answer: what is asked meanwhile waits, until what
 * that resolves with is called. Durable publishes go on; they may be sent over two connections and are stored once.
 */
export function quiet(outbox: Outbox): () => Promise<() => void> {
  const ask = outbox.ask.bind(outbox)
  let pending = 0
  let held: (() => void)[] | undefined
  outbox.ask = (envelope, caller, options, again) => {
    if (again) return ask(envelope, caller, options, again)
    if (held) return void held.push(() => outbox.ask(envelope, caller, options))
    const resolve = (payload: unknown) => {
      pending--
      caller.resolve(payload)
    }
    const reject = (error: RotundaError) => {
      pending--
      caller.reject(error)
    }
    ask(envelope, { resolve, reject }, options)
    // Not before, since it may throw.
    pending++
  }
  return async () => {
    const waiting = held = [] as (() => void)[]
    for (let left = LOOKS; left && pending; left--) {
      await new Promise<void>((resolve) => outbox.connection.clock.after(APART, resolve))
    }
    return () => {
      held = undefined
      for (const call of waiting) call()
    }
  }
}
