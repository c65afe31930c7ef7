import assert from 'node:assert/strict'
import { assertOrdered, message, numbered, readAll } from './store_messages.ts'
import type { StoreFixture } from './store_suite.ts'
import { withStore } from './with_store.ts'

const PAYLOADS = [
  '"123"',
  '123',
  'null',
  '""',
  '{"a":{"b":[1,2.50,-0,1e400]}}',
  '{ "spaces" :  [ 1 , 2 ] }',
  '{"quotes":"she said \\"hi\\" and \'bye\'","slash":"\\/ \\\\ "}',
  '"line\\nbreak\\ttab \\u0000 \\u00e9 \\ud83d \\ude00"',
  '"é ü ß 日本語 عربى \u2028 \u2029 \ufeff"',
  '"😀 👩‍👩‍👧‍👦 🏳️‍🌈"',
  `"${'x'.repeat(70_000)}"`,
  '"%s ?1 :name $x @y; DROP TABLE ws_messages; --"',
  '{"__proto__":{"polluted":true}}',
]

/** What append promises. */
export function storeAppendSuite(name: string, make: () => Promise<StoreFixture>): void {
  const test = withStore(name, make)

  test('I2 ids are 20 digits and strictly increase in the order appended', async ({ store }) => {
    const ids: string[] = []
    for (let i = 0; i < 5; i++) {
      const appended = await store.append([...numbered('a', 1, 3), ...numbered('b', 1, 2)])
      ids.push(...appended.map(({ id }) => id))
    }
    assert.equal(ids.length, 25)
    for (const id of ids) assert.match(id, /^\d{20}$/)
    assert.deepEqual(ids, [...new Set(ids)].sort())
    assert.deepEqual((await readAll(store)).map(({ id }) => id), ids)
  })

  test('I2 seq is gapless from 1 in each of several interleaved rooms', async ({ store }) => {
    const heads = new Map<string, number>()
    for (let batch = 0; batch < 6; batch++) {
      const rooms = Array.from({ length: 40 }, (_, i) => `room ${(i * i + batch) % 7}`)
      const appended = await store.append(rooms.map((room) => message(room)))
      rooms.forEach((room, i) => {
        heads.set(room, (heads.get(room) ?? 0) + 1)
        assert.equal(appended[i]?.seq, heads.get(room))
        assert.equal(appended[i]?.repeat, false)
      })
    }
    assertOrdered(await readAll(store))
    for (const [room, head] of heads) assert.deepEqual(await store.extent(room), { head, trimmed: 0 })
  })

  test('L1 appending nothing stores nothing', async ({ store }) => {
    assert.deepEqual(await store.append([]), [])
    assert.deepEqual(await store.replayFrom('', 10), [])
  })

  test('L1 a message is served back exactly as given, with its place in the log', async ({ store }) => {
    const given = PAYLOADS.map((payload, i) => message('ünï "room" 😀', { payload, from: `user '${i}'`, ts: 1e12 + i }))
    given.push(message('123', { kind: 'edit', type: 'a.b-c_d', from: '0', payload: '1' }))
    const appended = await store.append(given)
    const expected = given.map(({ key: _, ...rest }, i) => ({ ...rest, id: appended[i]?.id, seq: appended[i]?.seq }))
    assert.deepEqual(await readAll(store), expected)
    assert.deepEqual(await store.replayRoom('123', 0, 5), expected.slice(-1))
  })

  test('L1 a batch is visible whole or not at all', async ({ store }) => {
    let open = true
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await store.append(numbered('a', 1, 50))
    })().finally(() => open = false)
    while (open) {
      const { head } = await store.extent('a')
      assert.equal(head % 50, 0)
      assert.equal((await store.replayRoom('a', head, 1000)).length % 50, 0)
    }
    await writing
    assert.equal((await store.extent('a')).head, 1000)
  })

  test('I3 a key repeated in a later batch gets the first id and seq, and is not stored again', async ({ store }) => {
    const [first] = await store.append([message('a', { key: 'k', payload: '1' })])
    await store.append(numbered('a', 2, 4))
    const [again] = await store.append([message('a', { key: 'k', payload: '2' })])
    assert.deepEqual(first, { id: first?.id, seq: 1, repeat: false })
    assert.deepEqual(again, { id: first?.id, seq: 1, repeat: true })
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), ['1', '2', '3', '4'])
  })

  test('I3 a key repeated within a batch is stored once, the first of them', async ({ store }) => {
    const k = (payload: string) => message('a', { key: 'k', payload })
    const [a, b, c, d] = await store.append([
      message('a', { payload: '0' }),
      k('1'),
      k('2'),
      message('a', { payload: '3' }),
    ])
    assert.deepEqual([a?.seq, b?.seq, c?.seq, d?.seq], [1, 2, 2, 3])
    assert.deepEqual([a?.repeat, b?.repeat, c?.repeat, d?.repeat], [false, false, true, false])
    assert.equal(c?.id, b?.id)
    const [e, f] = await store.append([k('4'), k('5')])
    assert.deepEqual([e, f], [{ id: b?.id, seq: 2, repeat: true }, { id: b?.id, seq: 2, repeat: true }])
    assert.deepEqual((await readAll(store)).map(({ payload }) => payload), ['0', '1', '3'])
  })

  test('I3 the same key in another room is another message', async ({ store }) => {
    const appended = await store.append([message('a', { key: 'k' }), message('b', { key: 'k' })])
    const later = await store.append([message('c', { key: 'k' })])
    assert.deepEqual([...appended, ...later].map(({ seq, repeat }) => [seq, repeat]), [[1, false], [1, false], [
      1,
      false,
    ]])
    assert.equal((await readAll(store)).length, 3)
  })

  test('I3 keys that look alike are different keys', async ({ store }) => {
    const keys = ['1', '01', '1.0', 'k', 'K', 'k ', '', 'é', 'e\u0301', '😀', "'", '"', '\\', 'null', '😁']
    const appended = await store.append(keys.map((key) => message('a', { key })))
    assert.deepEqual(appended.map(({ seq }) => seq), keys.map((_, i) => i + 1))
    const again = await store.append(keys.map((key) => message('a', { key })))
    assert.deepEqual(again, appended.map((place) => ({ ...place, repeat: true })))
  })

  test('I3 in a batch of new messages and repeats each gets its own place', async ({ store }) => {
    const first = await store.append(
      ['x', 'y', 'z'].flatMap((key) => [message('a', { key, payload: `"${key}"` }), message('b')]),
    )
    const batch = [
      message('a', { payload: '"n1"' }),
      message('a', { key: 'y' }),
      message('b', { key: 'x', payload: '"n2"' }),
      message('a', { key: 'x' }),
      message('a', { key: 'w', payload: '"n3"' }),
      message('a', { key: 'z' }),
      message('c', { payload: '"n4"' }),
      message('a', { key: 'w' }),
    ]
    const appended = await store.append(batch)
    assert.deepEqual(appended.map(({ repeat }) => repeat), [false, true, false, true, false, true, false, true])
    assert.deepEqual(appended.map(({ seq }) => seq), [4, 2, 4, 1, 5, 3, 1, 5])
    assert.equal(appended[1]?.id, first[2]?.id)
    assert.equal(appended[3]?.id, first[0]?.id)
    assert.equal(appended[5]?.id, first[4]?.id)
    const all = await readAll(store)
    assertOrdered(all)
    for (const [i, place] of appended.entries()) {
      const found = all.find(({ id }) => id === place.id)
      assert.equal(found?.room, batch[i]?.room)
      assert.equal(found?.seq, place.seq)
      if (!place.repeat) assert.equal(found?.payload, batch[i]?.payload)
    }
  })

  test('I4 another log has another epoch', async ({ store }) => {
    const other = await make()
    const opened = await other.open()
    try {
      assert.ok(store.epoch.length > 0)
      assert.notEqual(opened.epoch, store.epoch)
    } finally {
      await opened.close()
      await other.remove()
    }
  })

  test('I3 a batch of many megabytes is one batch, and one page', async ({ store }) => {
    const text = JSON.stringify('é'.repeat(60_000))
    const big = Array.from(
      { length: 90 },
      (_, i) => message(`room ${i % 2}`, { payload: text, key: i % 3 ? `k${i}` : null }),
    )
    const first = await store.append(big)
    assert.deepEqual(first.map(({ seq }) => seq), big.map((_, i) => Math.floor(i / 2) + 1))
    const again = await store.append(big)
    again.forEach((place, i) => {
      if (i % 3) assert.deepEqual(place, { ...first[i], repeat: true })
      else assert.deepEqual(place, { id: place.id, seq: 45 + Math.floor(i / 6) + 1, repeat: false })
    })
    const all = await readAll(store)
    assert.equal(all.length, 120)
    assertOrdered(all)
    assert.ok(all.every(({ payload }) => payload === text))
    assert.deepEqual(await store.replayRoom('room 1', 0, 1000), all.filter(({ room }) => room === 'room 1'))
    const newest = await store.listByRoom('room 0', 55)
    assert.deepEqual(newest, all.filter(({ room }) => room === 'room 0').reverse().slice(0, 55))
  })

  test('I2 batches appended at once are stored one after the other', async ({ store }) => {
    const places = await Promise.all(Array.from({ length: 30 }, () => store.append(numbered('a', 1, 10))))
    for (const batch of places) {
      assert.deepEqual(batch.map(({ seq }) => seq), batch.map((_, i) => batch[0]!.seq + i))
    }
    const seqs = places.flat().map(({ seq }) => seq).sort((a, b) => a - b)
    assert.deepEqual(seqs, seqs.map((_, i) => i + 1))
    assertOrdered(await readAll(store))
  })
}
