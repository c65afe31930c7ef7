/**
 * Does things in the order in which they were added, although some must be awaited first. As long as nothing has to be
 * awaited everything happens at once.
 */
export class InOrder {
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** Calls `then` with the value, or `failed` with why there is none. Neither may throw. */
  add<T>(get: () => T | Promise<T>, then: (value: T) => void, failed: (error: unknown) => void): void {
    let value: T | Promise<T>
    try {
      value = get()
      if (this.#waiting === 0 && !(value instanceof Promise)) return then(value)
    } catch (error) {
      value = Promise.reject(error)
    }
    this.#waiting += 1
    // One by one, and each with its own failure looked at from the start.
    const settled = Promise.allSettled([value, this.#last])
    this.#last = settled.then(([result]) => {
      this.#waiting -= 1
      if (result.status === 'fulfilled') then(result.value)
      else failed(result.reason)
    })
  }
}
