import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { assertOrdered, message, readAll } from './store_messages.ts'
import type { StoreFixture } from './store_suite.ts'
import { withStore } from './with_store.ts'

const text = (value: string) => new TextEncoder().encode(value)
const every = Uint8Array.from({ length: 256 }, (_, i) => i)

/** Bytes that databases and runtimes take for something else. */
const PAYLOADS: readonly Uint8Array[] = [
  new Uint8Array(0),
  every,
  every.toReversed(),
  new Uint8Array(3),
  text('{"text":"Hello!"}'),
  text('"a"'),
  text('5'),
  text('null'),
  text('é 😀 \u2028'),
  // Not UTF-8: half a character, a surrogate, an overlong NUL, a byte that never occurs.
  Uint8Array.of(0xc3),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xc0, 0x80),
  Uint8Array.of(0xff, 0xfe, 0xef, 0xbb, 0xbf),
  // SQLite's binary JSON: null, true, 1, "a", [1].
  Uint8Array.of(0x00),
  Uint8Array.of(0x01),
  Uint8Array.of(0x13, 0x31),
  Uint8Array.of(0x17, 0x61),
  Uint8Array.of(0x2b, 0x13, 0x31),
  text("x'00'"),
]

const noise = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * seed) & 255)

/** What is promised of payloads that are bytes. */
export function storeBytesSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test = withStore(name, make)

  test('L1 bytes are served back as they were given, by every way of reading', async ({ store }) => {
    const given = PAYLOADS.map((payload, i) => message('a', { payload, from: i % 2 ? null : 'me', key: `k${i}` }))
    const appended = await store.append(given)
    const expected = given.map(({ key: _, ...rest }, i) => ({ ...rest, id: appended[i]?.id, seq: appended[i]?.seq }))
    assert.deepEqual(await readAll(store), expected)
    assert.deepEqual(await store.replayRoom('a', 0, 100), expected)
    assert.deepEqual(await store.listByRoom('a', 100), expected.toReversed())
    assert.deepEqual(await store.listByRoom('a', 3, appended[5]?.id), expected.slice(2, 5).reverse())
    for (const [i, one] of expected.entries()) assert.deepEqual(await store.replayRoom('a', i, 1), [one])
  })

  test('L1 a batch with nothing but empty bytes is stored', async ({ store }) => {
    await store.append([message('a', { payload: new Uint8Array(0) }), message('b', { payload: new Uint8Array(0) })])
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), [new Uint8Array(0), new Uint8Array(0)])
  })

  test('L1 bytes and text stand beside each other, in one batch, one page and one room', async ({ store }) => {
    const given = PAYLOADS.flatMap((payload, i) => [
      message('a', { payload }),
      message('a', { payload: `"${i}"` }),
      message(`only ${i % 2 ? 'text' : 'bytes'}`, { payload: i % 2 ? '7' : payload }),
    ])
    // The room of text is read before and after there are bytes anywhere.
    await store.append([message('only text', { payload: '0' })])
    assert.deepEqual((await store.replayRoom('only text', 0, 9)).map(({ payload }) => payload), ['0'])
    await store.append(given)
    const all = await readAll(store)
    assertOrdered(all)
    assert.deepEqual(
      all.slice(1).map(({ room, payload }) => [room, payload]),
      given.map((one) => [one.room, one.payload]),
    )
    for (const limit of [1, 2, 7, 1000]) assert.deepEqual(await readAll(store, limit), all)
    for (const room of ['a', 'only text', 'only bytes']) {
      const ofRoom = all.filter((one) => one.room === room)
      assert.deepEqual(await store.replayRoom(room, 0, 1000), ofRoom)
      assert.deepEqual(await store.listByRoom(room, 1000), ofRoom.toReversed())
    }
  })

  test('L1 a room that held text only is read with its bytes once it holds some', async ({ store }) => {
    await store.append([message('a', { payload: '1' })])
    assert.equal((await readAll(store)).length, 1)
    await store.append([message('a', { payload: every }), message('a', { payload: '2' })])
    assert.deepEqual((await store.replayRoom('a', 0, 9)).map(({ payload }) => payload), ['1', every, '2'])
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), ['1', every, '2'])
    assert.deepEqual((await store.listByRoom('a', 2)).map(({ payload }) => payload), ['2', every])
  })

  test('L1 of bytes that are a part of a larger buffer only the part is stored', async ({ store }) => {
    const buffer = new Uint8Array(100_000).fill(1)
    buffer.set(every, 500)
    const part = buffer.subarray(500, 756)
    await store.append([message('a', { payload: part }), message('a', { payload: buffer.subarray(9, 9) })])
    // A Buffer's `slice` is no copy, and its type must not come back.
    await store.append([message('a', { payload: Buffer.from(part) })])
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), [every, new Uint8Array(0), every])
    assert.equal(part.length, 256, 'what was given is still the caller’s')
  })

  test('L1 changing what was given or what was read changes nothing in the log', async ({ store }) => {
    const mine = every.slice()
    const appending = store.append([message('a', { payload: mine }), message('a', { payload: '1' })])
    mine.fill(0)
    await appending
    for (
      const read of [() => store.replayRoom('a', 0, 5), () => store.replayFrom('', 5), () => store.listByRoom('a', 5)]
    ) {
      const messages = await read()
      const bytes = messages.find(({ payload }) => typeof payload !== 'string')?.payload
      assert.deepEqual(bytes, every)
      ;(bytes as Uint8Array).fill(9)
      for (const one of messages) Object.assign(one, { seq: 99, type: 'changed', payload: '"changed"' })
    }
    assert.deepEqual((await readAll(store)).map(({ seq, type, payload }) => [seq, type, payload]), [
      [1, 'chat.message', every],
      [2, 'chat.message', '1'],
    ])
  })

  test('L1 what is read of one message does not lead to the bytes of another', async ({ store }) => {
    await store.append([message('a', { payload: text('secret') }), message('b', { payload: every })])
    for (const { payload } of await readAll(store)) {
      assert.ok(typeof payload !== 'string')
      assert.equal(payload.buffer.byteLength, payload.length)
    }
  })

  test('I3 a repeat of bytes by its key gets the first id and seq', async ({ store }) => {
    const [first] = await store.append([message('a', { key: 'k', payload: every })])
    const places = await store.append([
      message('a', { key: 'x', payload: text('x') }),
      message('a', { key: 'k', payload: text('again') }),
      message('a', { key: 'x', payload: 'null' }),
      message('a', { key: 'y', payload: '"y"' }),
      message('b', { key: 'k', payload: text('b') }),
    ])
    assert.deepEqual(places.map(({ seq, repeat }) => [seq, repeat]), [[2, false], [1, true], [2, true], [3, false], [
      1,
      false,
    ]])
    assert.equal(places[1]?.id, first?.id)
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), [every, text('x'), '"y"', text('b')])
    const again = await store.append([message('a', { key: 'k', payload: every })])
    assert.deepEqual(again, [{ ...first, repeat: true }])
  })

  test('L1 large payloads and batches of many megabytes of bytes', async ({ store }) => {
    const large = noise(1024 * 1024, 7)
    const batch = [
      message('a', { payload: large }),
      ...Array.from({ length: 60 }, (_, i) => message(`room ${i % 2}`, { payload: noise(60_000, i), key: `${i}` })),
      message('a', { payload: large.subarray(1) }),
    ]
    const places = await store.append(batch)
    assert.deepEqual(places.map(({ repeat }) => repeat), batch.map(() => false))
    const all = await readAll(store)
    assertOrdered(all)
    assert.equal(all.length, batch.length)
    all.forEach(({ payload }, i) => assert.ok(same(payload, batch[i]?.payload), `message ${i} is not what was given`))
    const again = await store.append(batch.slice(1, -1))
    assert.deepEqual(again, places.slice(1, -1).map((place) => ({ ...place, repeat: true })))
  })
}

function same(a: string | Uint8Array, b: string | Uint8Array | undefined): boolean {
  return typeof a === 'object' && typeof b === 'object' && a.length === b.length && a.every((byte, i) => byte === b[i])
}
