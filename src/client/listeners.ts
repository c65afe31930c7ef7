/** Handlers of one thing. A handler that throws, at once or later, does not keep the others from being called. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #calls = new Map<object, (...args: Args) => unknown>()

  /** Adds a handler, also one that is there already; returns what removes it. */
  add(handler: (...args: Args) => unknown): () => void {
    const call = {}
    this.#calls.set(call, handler)
    return () => void this.#calls.delete(call)
  }

  /** Calls all handlers; false when there is none. */
  tell(thrown: (error: unknown) => void, ...args: Args): boolean {
    for (const handler of this.#calls.values()) {
      try {
        const result = handler(...args)
        if (result instanceof Promise) result.catch(thrown)
      } catch (error) {
        thrown(error)
      }
    }
    return this.#calls.size > 0
  }
}
