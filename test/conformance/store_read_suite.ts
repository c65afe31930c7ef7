import assert from 'node:assert/strict'
import type { StoredMessage } from '../../src/storage/mod.ts'
import { message, numbered, readAll } from './store_messages.ts'
import type { StoreFixture } from './store_suite.ts'
import { withStore } from './with_store.ts'

const payloads = (messages: readonly StoredMessage[]) => messages.map(({ payload }) => Number(payload))

/** What reading and trimming promise. */
export function storeReadSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test = withStore(name, make)

  test('L1 a room never written to is empty', async ({ store }) => {
    assert.deepEqual(await store.extent('a'), { head: 0, trimmed: 0 })
    assert.deepEqual(await store.listByRoom('a', 10), [])
    assert.deepEqual(await store.listByRoom('a', 10, '00000000000000000009'), [])
    assert.deepEqual(await store.replayRoom('a', 0, 10), [])
    assert.deepEqual(await store.replayFrom('', 10), [])
    assert.equal(await store.trim('a', 10), 0)
    assert.deepEqual(await store.extent('a'), { head: 0, trimmed: 0 })
  })

  test('L1 a limit of 0 reads nothing', async ({ store }) => {
    const appended = await store.append(numbered('a', 1, 3))
    assert.deepEqual(await store.listByRoom('a', 0), [])
    assert.deepEqual(await store.listByRoom('a', 0, appended[2]?.id), [])
    assert.deepEqual(await store.replayRoom('a', 0, 0), [])
    assert.deepEqual(await store.replayFrom('', 0), [])
  })

  test('L1 listByRoom pages back, newest first, from just before an id', async ({ store }) => {
    for (let i = 1; i <= 20; i++) await store.append([message('b'), message('a', { payload: String(i) })])
    const pages: number[][] = []
    let before: string | undefined
    for (;;) {
      const page = await store.listByRoom('a', 8, before)
      if (page.length === 0) break
      pages.push(payloads(page))
      before = page.at(-1)?.id
    }
    const numbers = Array.from({ length: 20 }, (_, i) => 20 - i)
    assert.deepEqual(pages, [numbers.slice(0, 8), numbers.slice(8, 16), numbers.slice(16)])
  })

  test('L1 listByRoom takes an id of another room, of none, and of the future', async ({ store }) => {
    const appended = await store.append(
      Array.from({ length: 40 }, (_, i) => message(i % 3 ? 'b' : 'a', { payload: `${i}` })),
    )
    for (const [i, { id }] of appended.entries()) {
      const expected = Array.from({ length: i }, (_, j) => i - 1 - j).filter((n) => n % 3 === 0)
      assert.deepEqual(payloads(await store.listByRoom('a', 100, id)), expected)
    }
    assert.equal((await store.listByRoom('a', 100, '9'.repeat(20))).length, 14)
    assert.equal((await store.listByRoom('a', 100, '0'.repeat(20))).length, 0)
    assert.equal((await store.listByRoom('c', 100, '9'.repeat(20))).length, 0)
  })

  test('L1 replayRoom gives what comes after a seq, oldest first', async ({ store }) => {
    await store.append([...numbered('a', 1, 5), ...numbered('b', 1, 5), ...numbered('a', 6, 10)])
    assert.deepEqual(payloads(await store.replayRoom('a', 0, 100)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.deepEqual(payloads(await store.replayRoom('a', 4, 3)), [5, 6, 7])
    assert.deepEqual(payloads(await store.replayRoom('a', 9, 3)), [10])
    assert.deepEqual(await store.replayRoom('a', 10, 3), [])
    assert.deepEqual(await store.replayRoom('a', 1000, 3), [])
  })

  test('L1 replayFrom gives what comes after an id in all rooms, oldest first', async ({ store }) => {
    const appended = await store.append(
      Array.from({ length: 9 }, (_, i) => message(`room ${i % 4}`, { payload: `${i}` })),
    )
    assert.deepEqual(payloads(await store.replayFrom('', 100)), [0, 1, 2, 3, 4, 5, 6, 7, 8])
    assert.deepEqual(payloads(await store.replayFrom(appended[2]!.id, 3)), [3, 4, 5])
    assert.deepEqual(await store.replayFrom(appended[8]!.id, 3), [])
    assert.equal((await readAll(store, 2)).length, 9)
  })

  test('L1 what was appended is read at once', async ({ store }) => {
    for (let seq = 1; seq <= 50; seq++) {
      const [place] = await store.append([message('a')])
      assert.equal((await store.extent('a')).head, seq)
      assert.equal((await store.listByRoom('a', 1))[0]?.id, place?.id)
      assert.equal((await store.replayRoom('a', seq - 1, 5)).length, 1)
    }
  })

  test('L7 trim removes the oldest; head stays and seq goes on', async ({ store }) => {
    const appended = await store.append([...numbered('a', 1, 10), ...numbered('b', 1, 3)])
    assert.equal(await store.trim('a', 4), 4)
    assert.deepEqual(await store.extent('a'), { head: 10, trimmed: 4 })
    assert.equal(await store.trim('a', 4), 0)
    assert.equal(await store.trim('a', 2), 0)
    assert.equal(await store.trim('a', 0), 0)
    assert.equal(await store.trim('a', -1), 0)
    assert.deepEqual(await store.extent('a'), { head: 10, trimmed: 4 })
    assert.deepEqual(payloads(await store.replayRoom('a', 0, 3)), [5, 6, 7])
    assert.deepEqual(payloads(await store.listByRoom('a', 100)), [10, 9, 8, 7, 6, 5])
    assert.deepEqual(payloads(await store.listByRoom('a', 100, appended[6]?.id)), [6, 5])
    assert.deepEqual(payloads(await store.listByRoom('a', 100, appended[2]?.id)), [])
    assert.equal((await readAll(store)).length, 9)
    assert.deepEqual(await store.extent('b'), { head: 3, trimmed: 0 })
    assert.equal((await store.append([message('a')]))[0]?.seq, 11)
  })

  test('L7 trimming everything, and beyond, keeps the head', async ({ store }) => {
    const appended = await store.append(numbered('a', 1, 6))
    assert.equal(await store.trim('a', 1000), 6)
    assert.deepEqual(await store.extent('a'), { head: 6, trimmed: 6 })
    assert.deepEqual(await store.listByRoom('a', 5), [])
    assert.deepEqual(await store.listByRoom('a', 5, appended[5]?.id), [])
    assert.deepEqual(await store.replayFrom('', 5), [])
    assert.equal(await store.trim('a', 1000), 0)
    const [next, after] = await store.append(numbered('a', 7, 8))
    assert.deepEqual([next?.seq, after?.seq], [7, 8])
    assert.ok(next!.id > appended[5]!.id)
    assert.deepEqual(await store.extent('a'), { head: 8, trimmed: 6 })
    assert.equal(await store.trim('a', 7), 1)
    assert.deepEqual(payloads(await store.replayRoom('a', 0, 5)), [8])
  })

  test('L7 a key is forgotten with its message, and kept with it', async ({ store }) => {
    await store.append(['x', 'y', 'z'].map((key) => message('a', { key })))
    await store.trim('a', 2)
    const places = await store.append(['z', 'x'].map((key) => message('a', { key })))
    assert.deepEqual(places.map(({ seq, repeat }) => [seq, repeat]), [[3, true], [4, false]])
  })

  test('L1 an id that is none is refused', async ({ store }) => {
    await assert.rejects(store.listByRoom('a', 1, 'x'))
    await assert.rejects(store.replayFrom('1; DROP TABLE ws_messages', 1))
  })

  test('L1 a closed store rejects', async ({ store }) => {
    await store.append([message('a')])
    await store.close()
    await store.close()
    await assert.rejects(store.append([message('a')]))
    await assert.rejects(store.replayRoom('a', 0, 1))
    await assert.rejects(store.extent('a'))
  })
}
