import { idOf, type OutboxEntry, type OutboxStore } from './store.ts'

type Row = OutboxEntry & { readonly owner: string }

const ROWS = 'entries'

/**
 * Keeps entries in the browser: over reloads, crashes and restarts. Tabs of one origin share it; each sends its own, and
 * the first that looks takes over what a tab that is gone has left.
 *
 * @param name Of the database; one for each server that the origin's pages talk to, and for each of their users.
 */
export function indexedDbOutbox(name = 'rotunda'): OutboxStore {
  const database = `rotunda ${name}`
  const self = `${crypto.getRandomValues(new Uint32Array(4))}`
  /** Where what is to be sent here lies. */
  const places = new Map<string, IDBValidKey>()
  /** Whose entries are ours. */
  const owners = new Set<string>()
  let opened: Promise<IDBDatabase> | undefined
  let last: Promise<unknown> = Promise.resolve()

  const open = () => {
    const request = indexedDB.open(database)
    request.onupgradeneeded = () => request.result.createObjectStore(ROWS, { autoIncrement: true })
    return new Promise<IDBDatabase>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  }
  /** One thing after the other, whatever became of it; done when it is on disk. */
  const next = <T>(mode: IDBTransactionMode, work: (rows: IDBObjectStore) => T) => {
    const result = last.then(async () => {
      opened ??= open()
      // Where it could not be opened it may be the next time.
      opened.catch(() => opened = undefined)
      const transaction = (await opened).transaction(ROWS, mode)
      const worked = work(transaction.objectStore(ROWS))
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve
        transaction.onabort = () => reject(transaction.error)
      })
      return worked
    })
    last = result.catch(() => {})
    return result
  }
  /** Each tab holds a lock; where that is free its tab is gone, and what it left is for who gets the lock. */
  const isOurs = (owner: string): Promise<boolean> | boolean =>
    owners.has(owner) ||
    new Promise((resolve, reject) => {
      const take = (lock: unknown) => {
        if (lock) owners.add(owner)
        resolve(!!lock)
        return lock && new Promise(() => {})
      }
      // Pages without TLS have no locks: there two tabs may send the same, which their keys make one message.
      const { locks } = navigator
      if (locks) locks.request(`${database} ${owner}`, { ifAvailable: true }, take).catch(reject)
      else take(true)
    })
  const locked = isOurs(self)

  return {
    async load() {
      const [values, keys] = await next('readonly', (rows) => [rows.getAll(), rows.getAllKeys()] as const)
      const entries: OutboxEntry[] = []
      /** Who closes between two of its entries would have the later ones sent first. */
      const others = new Set<string>()
      for (const [i, { owner, ...entry }] of (values.result as Row[]).entries()) {
        if (others.has(owner) || !await isOurs(owner)) {
          others.add(owner)
          continue
        }
        places.set(idOf(entry), keys.result[i]!)
        entries.push(entry)
      }
      return entries
    },
    async put(entries) {
      await locked
      await next('readwrite', (rows) => {
        for (const entry of entries) {
          const id = idOf(entry)
          if (places.has(id)) continue
          places.set(id, '')
          rows.add({ ...entry, owner: self }).onsuccess = ({ target }) => {
            places.set(id, (target as IDBRequest<IDBValidKey>).result)
          }
        }
      })
    },
    remove: (ids) =>
      next('readwrite', (rows) => {
        for (const id of ids.map(idOf)) {
          const place = places.get(id)
          if (place) rows.delete(place)
          places.delete(id)
        }
      }),
  }
}
