import type { OutboxEntry, OutboxStore } from '../../src/client/mod.ts'

/** A store and how to come back to what it keeps. */
export interface OutboxFixture {
  readonly store: OutboxStore
  /** The same place as another life of its user finds it; the store from before is not used any more. */
  reopen(): Promise<OutboxStore>
}

/** What must hold of a store. Made of nothing that a browser has not got, so that it can be checked in one. */
export interface OutboxCheck {
  readonly name: string
  /** @throws {Error} with what is wrong. */
  check(fixture: OutboxFixture): Promise<void>
}

function entry(n: number, fields: Partial<OutboxEntry> = {}): OutboxEntry {
  return { room: 'africa', key: `k${n}`, type: 'chat.message', payload: `{"text":"${n}"}`, ...fields }
}

const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => entry(from + i))

/** Bytes as JSON can say them. */
const plain = (all: readonly OutboxEntry[]) =>
  JSON.stringify(all.map(({ room, key, type, payload, traceparent }) => {
    return [room, key, type, typeof payload === 'string' ? payload : [...payload], traceparent]
  }))

async function has(store: OutboxStore, wanted: readonly OutboxEntry[]): Promise<void> {
  const found = await store.load()
  if (plain(found) !== plain(wanted)) throw new Error(`It has ${plain(found)}, and should have ${plain(wanted)}.`)
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i)

/** All that must hold of every store. */
export const OUTBOX_CHECKS: readonly OutboxCheck[] = [
  {
    name: 'a new one is empty',
    check: ({ store }) => has(store, []),
  },
  {
    name: 'entries come back in the order in which they were put, over several puts',
    check: async ({ store, reopen }) => {
      const all = entries(1, 200)
      await Promise.all([store.put(all.slice(0, 120)), store.put(all.slice(120, 121)), store.put(all.slice(121))])
      await has(store, all)
      await has(await reopen(), all)
    },
  },
  {
    name: 'what was removed is gone for good, what was not stays in its place',
    check: async ({ store, reopen }) => {
      const all = entries(1, 9)
      await store.put(all)
      await store.remove([entry(1), entry(5), entry(9)])
      const left = all.filter(({ key }) => !['k1', 'k5', 'k9'].includes(key))
      await has(store, left)
      const again = await reopen()
      await has(again, left)
      await again.remove(left)
      await has(again, [])
      await has(await reopen(), [])
    },
  },
  {
    name: 'an entry that was there before can be removed, and others put after those that are left',
    check: async ({ store, reopen }) => {
      await store.put(entries(1, 3))
      const again = await reopen()
      await has(again, entries(1, 3))
      await again.put([entry(4)])
      await again.remove([entry(2)])
      await has(again, [entry(1), entry(3), entry(4)])
      await has(await reopen(), [entry(1), entry(3), entry(4)])
    },
  },
  {
    name: 'calls take effect in their order though nobody waits for them',
    check: async ({ store }) => {
      const work = [store.put([entry(1)]), store.remove([entry(1)]), store.put([entry(1), entry(2)]), store.load()]
      await Promise.all(work)
      await has(store, [entry(1), entry(2)])
    },
  },
  {
    name: 'the same key in another room is another entry; put twice it is one, as it was first',
    check: async ({ store }) => {
      await store.put([entry(1), entry(1, { room: 'asia' })])
      await store.put([entry(1, { payload: '"another"' }), entry(2)])
      await has(store, [entry(1), entry(1, { room: 'asia' }), entry(2)])
      await store.remove([entry(1)])
      await has(store, [entry(1, { room: 'asia' }), entry(2)])
    },
  },
  {
    name: 'payloads stay what they are: any text, any bytes, none, and traces',
    check: async ({ store, reopen }) => {
      const all = [
        entry(1, { payload: JSON.stringify({ text: 'ä€😀"\\\n\u2028' }), room: 'asia ⛰' }),
        entry(2, { payload: ALL_BYTES }),
        entry(3, { payload: new Uint8Array() }),
        entry(4, { payload: 'null', key: 'ключ"\\' }),
        entry(5, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
        entry(6, { payload: JSON.stringify('x'.repeat(60_000)) }),
      ]
      await store.put(all)
      await has(store, all)
      await has(await reopen(), all)
    },
  },
  {
    name: 'what it has not got can be removed, and nothing put',
    check: async ({ store }) => {
      await store.remove([entry(7)])
      await store.put([])
      await store.remove([])
      await has(store, [])
    },
  },
  {
    name: 'thousands come and go and leave nothing',
    check: async ({ store, reopen }) => {
      for (let from = 1; from < 4_000; from += 500) {
        await store.put(entries(from, from + 499))
        await store.remove(entries(from, from + 498))
      }
      const left = [500, 1000, 1500, 2000, 2500, 3000, 3500, 4000].map((n) => entry(n - 0))
      await has(store, left)
      await has(await reopen(), left)
    },
  },
]
