import { idOf, type OutboxEntry, type OutboxId, type OutboxStore } from './store.ts'
import { holdLock } from './tab_lock.ts'

type Row = OutboxEntry & { readonly owner: string }

const ROWS = 'entries'

/**
 * Keeps entries in the browser: over reloads, crashes and restarts. Tabs of one origin share it; each sends its own, and
 * the first that looks takes over what a tab that is gone has left.
 *
 * @param name Of the database; one for each server that the origin's pages talk to, and for each of their users.
 */
export function indexedDbOutbox(name = 'rotunda'): OutboxStore {
  return new IndexedDbOutbox(name)
}

class IndexedDbOutbox implements OutboxStore {
  readonly #name: string
  readonly #owner = crypto.getRandomValues(new Uint32Array(4)).join('')
  /** Where what is to be sent here lies. */
  readonly #places = new Map<string, IDBValidKey>()
  /** Whose entries are ours. */
  readonly #owners = new Set<string>()
  #database: Promise<IDBDatabase> | undefined
  /** One thing after the other, whatever became of it. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(name: string) {
    this.#name = name
  }

  load(): Promise<readonly OutboxEntry[]> {
    return this.#next(async () => {
      const found = await this.#transaction('readonly', async (rows) => {
        const [values, keys] = [rows.getAll(), rows.getAllKeys()]
        return [await done(values) as Row[], await done(keys)] as const
      })
      const [all, places] = found
      const entries: OutboxEntry[] = []
      for (const [i, { owner, ...entry }] of all.entries()) {
        if (!await this.#isOurs(owner)) continue
        this.#places.set(idOf(entry), places[i]!)
        entries.push(entry)
      }
      return entries
    })
  }

  put(entries: readonly OutboxEntry[]): Promise<void> {
    return this.#next(async () => {
      await this.#isOurs(this.#owner)
      await this.#transaction('readwrite', async (rows) => {
        const wanted = entries.filter((entry) => !this.#places.has(idOf(entry)))
        const places = await Promise.all(wanted.map((entry) => done(rows.add({ ...entry, owner: this.#owner }))))
        wanted.forEach((entry, i) => this.#places.set(idOf(entry), places[i]!))
      })
    })
  }

  remove(ids: readonly OutboxId[]): Promise<void> {
    return this.#next(async () => {
      await this.#transaction('readwrite', async (rows) => {
        const places = ids.flatMap((id) => this.#places.get(idOf(id)) ?? [])
        await Promise.all(places.map((place) => done(rows.delete(place))))
      })
      for (const id of ids) this.#places.delete(idOf(id))
    })
  }

  /** Each tab holds a lock; where that is free its tab is gone, and what it left is for who gets the lock. */
  async #isOurs(owner: string): Promise<boolean> {
    if (!this.#owners.has(owner) && await holdLock(`rotunda ${this.#name} ${owner}`)) this.#owners.add(owner)
    return this.#owners.has(owner)
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }

  async #transaction<T>(mode: IDBTransactionMode, work: (rows: IDBObjectStore) => Promise<T>): Promise<T> {
    const database = await (this.#database ??= this.#open())
    const transaction = database.transaction(ROWS, mode)
    const over = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(transaction.error)
    })
    const [result] = await Promise.all([work(transaction.objectStore(ROWS)), over])
    return result
  }

  async #open(): Promise<IDBDatabase> {
    const request = indexedDB.open(`rotunda ${this.#name}`)
    request.onupgradeneeded = () => void request.result.createObjectStore(ROWS, { autoIncrement: true })
    try {
      const database = await done(request)
      // Whoever wants to delete it may; the next call opens it again.
      database.onversionchange = database.onclose = () => {
        database.close()
        this.#database = undefined
      }
      return database
    } catch (error) {
      this.#database = undefined
      throw error
    }
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
