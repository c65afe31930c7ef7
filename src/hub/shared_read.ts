/**
 * One read for all who want it at the same time. Who asks while a read is under way gets the next one: an answer is
 * never older than its question.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>
  #next: Promise<T> | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  get(): Promise<T> {
    return this.#next ??= this.#start()
  }

  async #start(): Promise<T> {
    await this.#running
    this.#next = undefined
    const reading = this.#read()
    this.#running = reading.catch(() => {})
    return await reading
  }
}
