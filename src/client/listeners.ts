/** Handlers of one thing. A handler that throws, at once or later, does not keep the others from being called. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #calls = new Set<{ readonly handler: (...args: Args) => unknown }>()

  get size(): number {
    return this.#calls.size
  }

  /** Adds a handler, also one that is there already; returns what removes it. */
  add(handler: (...args: Args) => unknown): () => void {
    const call = { handler }
    this.#calls.add(call)
    return () => void this.#calls.delete(call)
  }

  tell(thrown: (error: unknown) => void, ...args: Args): void {
    for (const { handler } of this.#calls) {
      try {
        const result = handler(...args)
        if (result instanceof Promise) result.catch(thrown)
      } catch (error) {
        thrown(error)
      }
    }
  }
}
