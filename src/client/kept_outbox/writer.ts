import { idOf, type OutboxEntry, type OutboxId, type OutboxStore } from './store.ts'

/** Writes to a store, many things at once while it is busy; what is acknowledged before it was written never is. */
export class Writer {
  readonly #store: OutboxStore
  readonly #report: (error: unknown) => void
  #puts = new Map<string, OutboxEntry>()
  #removes: OutboxId[] = []
  #writing: Promise<void> | undefined

  constructor(store: OutboxStore, report: (error: unknown) => void) {
    this.#store = store
    this.#report = report
  }

  put(entry: OutboxEntry): void {
    this.#puts.set(idOf(entry), entry)
    this.#start()
  }

  remove({ room, key }: OutboxId): void {
    if (this.#puts.delete(idOf({ room, key }))) return
    this.#removes.push({ room, key })
    this.#start()
  }

  /** What the store has, when all is written. */
  async load(): Promise<readonly OutboxEntry[]> {
    await this.#writing
    return await this.#store.load()
  }

  #start(): void {
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    // What is published in one turn is written at once.
    await Promise.resolve()
    while (this.#puts.size > 0 || this.#removes.length > 0) {
      const [puts, removes] = [this.#puts, this.#removes]
      this.#puts = new Map()
      this.#removes = []
      try {
        if (puts.size > 0) await this.#store.put([...puts.values()])
        if (removes.length > 0) await this.#store.remove(removes)
      } catch (error) {
        this.#report(error)
      }
    }
    this.#writing = undefined
  }
}
