/**
 * Does things in the order in which they were added, although some must be awaited first. As long as nothing has to be
 * awaited everything happens at once.
 */
export class InOrder {
  /** How many wait for their turn. */
  waiting = 0
  #last: Promise<void> = Promise.resolve()

  /**
   * Calls `then` with the value, or `failed` with why there is none. What `then` throws is thrown where it is called at
   * once, else it is `failed`, too.
   */
  add<T>(get: () => T | Promise<T>, then: (value: T) => void, failed: (error: unknown) => void): void {
    let value: T | Promise<T>
    try {
      value = get()
    } catch (error) {
      value = Promise.reject(error)
    }
    if (!(this.waiting || value instanceof Promise)) return then(value)
    this.waiting += 1
    // One by one, and each with its own failure looked at from the start. It waits until its failure was told, too.
    this.#last = Promise.allSettled([value, this.#last]).then(() => value).then(then)
      .catch(failed).finally(() => this.waiting -= 1)
  }
}
