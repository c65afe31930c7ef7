import type { Outbox } from '../outbox.ts'

/** How long requests are held back at most, in milliseconds. */
const PATIENCE = 1_000

/**
 * Gives what brings about a moment in which no request waits for its answer: what is asked meanwhile waits, until what
 * that resolves with is called. Durable publishes go on; they may be sent over two connections and are stored once.
 */
export function quiet(outbox: Outbox): () => Promise<() => void> {
  const ask = outbox.ask.bind(outbox)
  let pending = 0
  let held: Parameters<typeof ask>[] | undefined
  let whenQuiet: () => void = () => {}
  outbox.ask = (envelope, caller, options, again) => {
    if (again) return ask(envelope, caller, options, again)
    if (held) return void held.push([envelope, caller, options])
    const then = <T>(call: (value: T) => void) => (value: T) => {
      pending--
      call(value)
      if (!pending) whenQuiet()
    }
    ask(envelope, { resolve: then(caller.resolve), reject: then(caller.reject) }, options)
    // Not before, since it may throw.
    pending++
  }
  return async () => {
    held = []
    if (pending) {
      await new Promise<void>((resolve) => {
        whenQuiet = resolve
        outbox.connection.clock.after(PATIENCE, resolve)
      })
    }
    return () => {
      const all = held ?? []
      held = undefined
      for (const given of all) outbox.ask(...given)
    }
  }
}
