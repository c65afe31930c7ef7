import assert from 'node:assert/strict'
import type { Appended, AppendMessage, MessageStore, StoredMessage } from '../../src/storage/mod.ts'
import { assertOrdered, message, numbered, readAll } from './store_messages.ts'
import type { StoreFixture } from './store_suite.ts'
import { withStore } from './with_store.ts'

/** What is promised of a log that outlives its store and is open in several. */
export function storeSharedSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test = withStore(name, make)

  test('L4 reopening finds the epoch, the messages, the keys and where the log ended', async ({ store, another }) => {
    const [first] = await store.append([message('a', { key: 'k' }), ...numbered('a', 1, 9)])
    await store.trim('a', 3)
    const before = await readAll(store)
    await store.close()
    const again = await another()
    assert.equal(again.epoch, store.epoch)
    assert.deepEqual(await readAll(again), before)
    assert.deepEqual(await again.extent('a'), { head: 10, trimmed: 3 })
    const [next] = await again.append([message('a')])
    assert.equal(next?.seq, 11)
    assert.ok(next!.id > first!.id)
  })

  test('L1 another store sees a batch whole or not at all', async ({ store, another }) => {
    const reader = await another()
    let open = true
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await store.append(numbered('a', 1, 50))
    })().finally(() => open = false)
    while (open) assert.equal((await reader.extent('a')).head % 50, 0)
    await writing
    assert.equal((await reader.replayRoom('a', 0, 2000)).length, 1000)
  })

  test('I2 two writers on one log: no hole, no double, ids rise in commit order', async ({ store, another }) => {
    const writers = [store, await another()]
    const reader = await another()
    let open = true
    const followed = follow(reader, () => open)
    const acked = await Promise.all(writers.map(async (writer, w) => {
      const places: [AppendMessage['payload'], Appended][] = []
      for (let i = 0; i < 25; i++) {
        const batch = Array.from({ length: 20 }, (_, j) => message(`room ${j % 3}`, { payload: `"${w}.${i}.${j}"` }))
        const appended = await writer.append(batch)
        batch.forEach(({ payload }, j) => places.push([payload, appended[j]!]))
      }
      return places
    })).finally(() => open = false)
    const all = await readAll(reader)
    assertOrdered(all)
    assert.equal(all.length, 1000)
    const byId = new Map(all.map((stored) => [stored.id, stored]))
    for (const [payload, { id, seq }] of acked.flat()) {
      assert.deepEqual([byId.get(id)?.payload, byId.get(id)?.seq], [payload, seq])
    }
    // Who reads on from the last id seen misses nothing: no id ever appears behind it.
    assert.deepEqual(await followed, all)
  })

  test('I3 two writers that are given the same keys store each once', async ({ store, another }) => {
    const writers = [store, await another()]
    const places = await Promise.all(writers.map(async (writer) => {
      const got: Appended[] = []
      for (let i = 0; i < 20; i++) {
        got.push(...await writer.append(Array.from({ length: 10 }, (_, j) => message('a', { key: `${i}.${j}` }))))
      }
      return got
    }))
    assert.deepEqual(places[0]?.map(({ id, seq }) => [id, seq]), places[1]?.map(({ id, seq }) => [id, seq]))
    places[0]?.forEach(({ repeat }, i) => assert.notEqual(repeat, places[1]?.[i]?.repeat))
    const all = await readAll(store)
    assertOrdered(all)
    assert.equal(all.length, 200)
  })

  test('I2 a trim by one writer is seen by the other', async ({ store, another }) => {
    const other = await another()
    await store.append(numbered('a', 1, 5))
    assert.equal(await other.trim('a', 5), 5)
    assert.equal((await store.append([message('a')]))[0]?.seq, 6)
    assert.deepEqual(await store.extent('a'), { head: 6, trimmed: 5 })
  })
}

async function follow(store: MessageStore, open: () => boolean): Promise<StoredMessage[]> {
  const seen: StoredMessage[] = []
  for (let last = false; !last;) {
    // Asked before the read: what was committed by then must be in it.
    last = !open()
    const page = await store.replayFrom(seen.at(-1)?.id ?? '', 1_000_000)
    seen.push(...page)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return seen
}
