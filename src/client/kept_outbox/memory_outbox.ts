import { idOf, type OutboxEntry, type OutboxId, type OutboxStore } from './store.ts'

/** Keeps entries for as long as the process lives, or the page is not left: from one client to the next. */
export function memoryOutbox(): OutboxStore {
  const all = new Map<string, OutboxEntry>()
  return {
    load: () => Promise.resolve([...all.values()]),
    put(entries) {
      for (const entry of entries) if (!all.has(idOf(entry))) all.set(idOf(entry), entry)
      return Promise.resolve()
    },
    remove(ids: readonly OutboxId[]) {
      for (const id of ids) all.delete(idOf(id))
      return Promise.resolve()
    },
  }
}
