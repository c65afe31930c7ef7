import assert from 'node:assert/strict'
import type { ListedRoom, MessageStore } from '../../src/storage/mod.ts'
import { message, numbered } from './store_messages.ts'
import type { StoreFixture } from './store_suite.ts'
import { withStore } from './with_store.ts'

/** Names whose UTF-8 bytes, code units and letters are each in another order. */
const NAMES = [
  ' ',
  '%',
  '0',
  'A',
  '_',
  'a',
  'a ',
  'a-',
  'a-1',
  'a-1-',
  'a-10',
  'a-2',
  'a-~',
  'a-\u0080',
  'a-é',
  'a-\uffee',
  'a-😀',
  'a-\u{10ffff}',
  'a-\u{10ffff}\u{10ffff}x',
  'a.',
  'b',
  "b'; DROP TABLE ws_messages; --",
  'é',
  '\uff5e',
  '😀',
]

async function allRooms(store: MessageStore, prefix: string, page: number): Promise<ListedRoom[]> {
  const all: ListedRoom[] = []
  for (;;) {
    const got = await store.rooms(prefix, all.at(-1)?.room ?? '', page)
    assert.ok(got.length <= page)
    all.push(...got)
    if (got.length < page) return all
  }
}

const names = (rooms: readonly ListedRoom[]) => rooms.map(({ room }) => room)

/** What listing rooms and finding old messages promise. */
export function storeRoomsSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test = withStore(name, make)

  test('L7 rooms are listed in the order of their UTF-8 bytes, by pages of any size', async ({ store }) => {
    assert.deepEqual(await store.rooms('', '', 10), [])
    // Stored in another order, in several batches, with a listing between.
    const shuffled = NAMES.map((_, i) => NAMES[i * 7 % NAMES.length]!)
    await store.append(shuffled.slice(0, 9).map((room) => message(room)))
    assert.deepEqual(names(await store.rooms('', '', 100)), NAMES.filter((room) => shuffled.indexOf(room) < 9))
    for (const room of shuffled.slice(7)) await store.append([message(room)])
    for (const page of [1, 2, 7, NAMES.length, 1000]) assert.deepEqual(names(await allRooms(store, '', page)), NAMES)
    assert.deepEqual(await store.rooms('', '', 0), [])
  })

  test('L7 rooms are listed by the beginning of their names, and from after any name', async ({ store }) => {
    await store.append(NAMES.map((room) => message(room)))
    for (const prefix of ['', ...NAMES, 'a-1', 'zz', '\u{10ffff}']) {
      const expected = NAMES.filter((room) => room.startsWith(prefix))
      for (const page of [1, 3, 100]) assert.deepEqual(names(await allRooms(store, prefix, page)), expected)
      // A name that is before the prefix, one that is no room, one behind it.
      for (const after of [' ', 'a', 'a-', 'a-0', 'a-\u{10ffff}', 'a-\u{10ffff}\u{10ffff}', 'a.', '\u{10ffff}']) {
        const behind = expected.filter((room) => compareBytes(room, after) > 0)
        assert.deepEqual(names(await store.rooms(prefix, after, 100)), behind, `${prefix} after ${after}`)
      }
    }
  })

  test('L7 a room is listed with its extent and the time of its oldest message', async ({ store }) => {
    await store.append([
      message('a', { ts: 50 }),
      message('b', { ts: 30 }),
      message('a', { ts: 20 }),
      message('a', { ts: 70 }),
      message('c', { ts: 1 }),
    ])
    assert.deepEqual(await store.rooms('', '', 10), [
      { room: 'a', head: 3, trimmed: 0, oldest: 50 },
      { room: 'b', head: 1, trimmed: 0, oldest: 30 },
      { room: 'c', head: 1, trimmed: 0, oldest: 1 },
    ])
    await store.trim('a', 1)
    await store.trim('b', 1)
    assert.deepEqual(await store.rooms('', '', 10), [
      { room: 'a', head: 3, trimmed: 1, oldest: 20 },
      { room: 'c', head: 1, trimmed: 0, oldest: 1 },
    ], 'a room without messages is not listed')
    await store.append([message('b', { ts: 90 })])
    assert.deepEqual(await store.rooms('b', '', 10), [{ room: 'b', head: 2, trimmed: 1, oldest: 90 }])
  })

  test('L7 seqBefore is where the first message stands that is not older', async ({ store }) => {
    assert.equal(await store.seqBefore('a', 100, 10), 0)
    const times = [10, 20, 30, 30, 50, 40, 60]
    await store.append(times.flatMap((ts) => [message('a', { ts }), message('b', { ts: 1 })]))
    const cases = [[0, 0], [10, 0], [11, 1], [30, 2], [31, 4], [45, 4], [51, 6], [61, 7], [1e15, 7]] as const
    for (const [ts, seq] of cases) assert.equal(await store.seqBefore('a', ts, 100), seq, `before ${ts}`)
    await store.trim('a', 3)
    for (const [ts, seq] of cases) assert.equal(await store.seqBefore('a', ts, 100), Math.max(3, seq), `before ${ts}`)
    await store.trim('a', 7)
    assert.equal(await store.seqBefore('a', 1e15, 100), 7)
    assert.equal(await store.seqBefore('a', 0, 100), 7)
  })

  test('L7 seqBefore looks at no more messages than it may', async ({ store }) => {
    await store.append([...numbered('a', 1, 20), message('b')])
    await store.append([...Array.from({ length: 10 }, () => message('c', { ts: 1 })), message('c', { ts: 9 })])
    for (const limit of [0, 1, 9, 10, 11, 12]) assert.equal(await store.seqBefore('c', 5, limit), Math.min(limit, 10))
    for (const limit of [0, 1, 5, 19, 20, 21]) {
      assert.equal(await store.seqBefore('a', 1e15, limit), Math.min(limit, 20))
    }
    await store.trim('a', 6)
    assert.equal(await store.seqBefore('a', 1e15, 5), 11)
    assert.equal(await store.seqBefore('a', 1e15, 100), 20)
  })

  test('L7 trims of many rooms at once each remove their own', async ({ store }) => {
    const rooms = Array.from({ length: 40 }, (_, i) => `room ${i}`)
    await store.append(rooms.flatMap((room, i) => numbered(room, 1, 3 + i % 5)))
    const removed = await Promise.all(rooms.map((room, i) => store.trim(room, i % 4)))
    assert.deepEqual(removed, rooms.map((_, i) => i % 4))
    for (const [i, room] of rooms.entries()) {
      assert.deepEqual(await store.extent(room), { head: 3 + i % 5, trimmed: i % 4 })
      assert.equal((await store.replayRoom(room, 0, 100)).length, 3 + i % 5 - i % 4)
    }
    const both = await Promise.all([store.trim('room 4', 2), store.trim('room 4', 7)])
    assert.equal(both[0] + both[1], 7, 'what two remove at once is counted once')
  })

  test('L7 a long room is trimmed whole while others are appended to', async ({ store }) => {
    for (let i = 0; i < 6; i++) await store.append(numbered('a', 1, 2000))
    const trimming = store.trim('a', 11_000)
    for (let i = 0; i < 10; i++) {
      const [a, b] = await store.append([message('a'), message('b')])
      assert.deepEqual([a?.seq, b?.seq], [12_001 + i, i + 1])
    }
    assert.equal(await trimming, 11_000)
    assert.deepEqual(await store.extent('a'), { head: 12_010, trimmed: 11_000 })
    assert.equal((await store.replayRoom('a', 0, 1))[0]?.seq, 11_001)
  })
}

function compareBytes(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => [...text].map((character) => character.codePointAt(0)!))
  const at = left!.findIndex((point, i) => point !== right![i])
  return at < 0 ? left!.length - right!.length : left![at]! - (right![at] ?? -1)
}
