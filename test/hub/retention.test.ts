import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Executor, memoryStore, type MessageStore, type RotundaError } from '../../src/mod.ts'
import { Retention } from '../../src/hub/retention.ts'
import { checkRetention, checkRetentionInterval, type RetentionRule } from '../../src/hub/retention_rules.ts'
import { message, numbered } from '../conformance/store_messages.ts'
import { Random } from '../conformance/random.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { libsqlFile } from '../support/libsql_file.ts'
import { range } from '../support/test_hub.ts'

/** A failure names its seed; `ROTUNDA_SEED` runs it again. */
const seed = Number(globalThis.process?.env['ROTUNDA_SEED'] ?? Date.now() % 4_294_967_296)

const NOW = 1_790_000_000_000

/** A retention whose failures are kept. */
function retentionOf(store: MessageStore, rules: readonly RetentionRule[], executor = new Executor()) {
  const reported: unknown[] = []
  const retention = new Retention(checkRetention(rules), store, executor, (error) => reported.push(error))
  return { retention, reported, executor }
}

async function kept(store: MessageStore, room: string): Promise<number[]> {
  const seqs: number[] = []
  for (;;) {
    const page = await store.replayRoom(room, seqs.at(-1) ?? 0, 500)
    if (page.length === 0) return seqs
    seqs.push(...page.map(({ seq }) => seq))
  }
}

const seconds = (count: number) => NOW - count * 1000

describe('retention', () => {
  test('L7 keeps the newest messages by count, of the rooms that the rule fits', async () => {
    const store = memoryStore()
    for (const room of ['chat-1', 'chat-', 'chat', 'other']) await store.append(numbered(room, 1, 30))
    const { retention } = retentionOf(store, [{ rooms: 'chat-*', maxMessages: 10 }])
    await retention.sweep(NOW)
    for (const room of ['chat-1', 'chat-']) {
      assert.deepEqual(await kept(store, room), range(21, 30))
      assert.deepEqual(await store.extent(room), { head: 30, trimmed: 20 })
    }
    for (const room of ['chat', 'other']) assert.deepEqual(await kept(store, room), range(1, 30))
  })

  test('L7 removes messages older than maxAge and not one that is exactly so old', async () => {
    const store = memoryStore()
    const ages = [4000, 3601, 3600, 3599, 0]
    await store.append(ages.map((age) => message('a', { ts: seconds(age) })))
    const { retention } = retentionOf(store, [{ rooms: 'a', maxAge: 3600 }])
    await retention.sweep(NOW)
    assert.deepEqual(await kept(store, 'a'), [3, 4, 5])
    await retention.sweep(NOW + 1)
    assert.deepEqual(await kept(store, 'a'), [4, 5])
  })

  test('L7 with both bounds a message goes when either says so', async () => {
    const store = memoryStore()
    for (const room of ['old', 'many']) {
      await store.append(range(1, 20).map((i) => message(room, { ts: seconds(room === 'old' ? 200 - i * 10 : 1) })))
    }
    const { retention } = retentionOf(store, [{ rooms: '*', maxAge: 55, maxMessages: 8 }])
    await retention.sweep(NOW)
    assert.deepEqual(await kept(store, 'old'), range(15, 20))
    assert.deepEqual(await kept(store, 'many'), range(13, 20))
  })

  test('L7 the first rule that fits a room is the one for it', async () => {
    const store = memoryStore()
    const rooms = ['chat-1', 'chat-2', 'chat-vip', 'chat-vip-1', 'news', 'log-1', 'log']
    for (const room of rooms) await store.append(numbered(room, 1, 10))
    const { retention } = retentionOf(store, [
      { rooms: 'chat-2', maxMessages: 1 },
      { rooms: 'chat-vip*', maxMessages: 7 },
      { rooms: 'chat-*', maxMessages: 3 },
      { rooms: 'log', maxMessages: 2 },
    ])
    await retention.sweep(NOW)
    const counts = await Promise.all(rooms.map(async (room) => (await kept(store, room)).length))
    assert.deepEqual(counts, [3, 1, 7, 7, 10, 10, 2])
    assert.equal(retention.metrics.rooms, 5, 'each room is looked at once')
  })

  test('L7 the newest message goes too when it is too old, and the head stays', async () => {
    const store = memoryStore()
    await store.append(range(1, 5).map(() => message('a', { ts: seconds(100) })))
    const { retention } = retentionOf(store, [{ rooms: '*', maxAge: 10 }])
    await retention.sweep(NOW)
    assert.deepEqual(await store.extent('a'), { head: 5, trimmed: 5 })
    assert.equal((await store.append([message('a', { ts: NOW })]))[0]?.seq, 6)
    await retention.sweep(NOW)
    assert.deepEqual(await kept(store, 'a'), [6])
  })

  test('L7 messages go in their order: one of a slow clock waits for those before it', async () => {
    const store = memoryStore()
    const ages = [100, 5, 100, 100]
    await store.append(ages.map((age) => message('a', { ts: seconds(age) })))
    const { retention } = retentionOf(store, [{ rooms: 'a', maxAge: 10 }])
    await retention.sweep(NOW)
    assert.deepEqual(await kept(store, 'a'), [2, 3, 4])
    await retention.sweep(NOW + 6000)
    assert.deepEqual(await kept(store, 'a'), [])
  })

  test('L7 a long room goes in pieces, between which others append', async () => {
    const store = new ControlledStore()
    for (let i = 0; i < 12; i++) await store.append(numbered('long', 1, 1000))
    const pieces: number[] = []
    const trim = store.trim.bind(store)
    let appended = 0
    store.trim = async (room, through) => {
      const removed = await trim(room, through)
      pieces.push(removed)
      setTimeout(() => void store.append([message('other')]).then(() => appended++))
      return removed
    }
    const { retention } = retentionOf(store, [{ rooms: 'long', maxMessages: 500 }])
    await retention.sweep(NOW)
    assert.deepEqual(pieces, [...range(1, 11).map(() => 1000), 500])
    assert.ok(appended >= 10, `${appended} appends had their turn`)
    assert.equal((await store.extent('long')).trimmed, 11_500)
  })

  test('L7 a long room does not keep short ones waiting', async () => {
    const store = new ControlledStore()
    for (let i = 0; i < 10; i++) await store.append(numbered('a', 1, 1000))
    for (const i of range(1, 300)) await store.append([message(`b${i}`, { ts: 1 })])
    const order: string[] = []
    const trim = store.trim.bind(store)
    store.trim = (room, through) => (order.push(room), trim(room, through))
    const { retention } = retentionOf(store, [{ rooms: '*', maxAge: 10 }])
    await retention.sweep(NOW * 2)
    assert.equal((await store.rooms('', '', 10)).length, 0)
    assert.deepEqual(retention.metrics.messages, 10_300)
    assert.ok(order.indexOf('b1') < order.lastIndexOf('a'))
  })

  test('L7 counts what it did', async () => {
    const store = memoryStore()
    await store.append([...numbered('a', 1, 30), ...numbered('b', 1, 3), ...numbered('c', 1, 9)])
    const { retention } = retentionOf(store, [{ rooms: 'a', maxMessages: 10 }, { rooms: 'b*', maxMessages: 10 }])
    assert.deepEqual(retention.metrics, {
      sweeps: 0,
      rooms: 0,
      messages: 0,
      failures: 0,
      lastSweepAt: 0,
      lastSweepMilliseconds: 0,
    })
    const before = Date.now()
    await retention.sweep(NOW)
    const { lastSweepAt, lastSweepMilliseconds, ...counts } = retention.metrics
    assert.deepEqual(counts, { sweeps: 1, rooms: 2, messages: 20, failures: 0 })
    assert.ok(lastSweepAt >= before && lastSweepAt <= Date.now())
    assert.ok(lastSweepMilliseconds > 0)
    await retention.sweep(NOW)
    assert.deepEqual([retention.metrics.sweeps, retention.metrics.rooms, retention.metrics.messages], [2, 4, 20])
  })

  test('L7 a sweep asked for while one is under way is that one', async () => {
    const store = new ControlledStore()
    await store.append(numbered('a', 1, 30))
    const { retention } = retentionOf(store, [{ rooms: 'a', maxMessages: 10 }])
    await Promise.all([retention.sweep(NOW), retention.sweep(NOW)])
    assert.equal(retention.metrics.sweeps, 1)
  })

  test('L7 what the store refuses is reported and done by the next sweep; other rooms are not kept from theirs', async () => {
    const store = new ControlledStore()
    for (const room of ['a', 'b', 'c']) await store.append(numbered(room, 1, 30))
    const trim = store.trim.bind(store)
    store.trim = (room, through) => room === 'b' ? Promise.reject(new Error('locked')) : trim(room, through)
    const { retention, reported } = retentionOf(store, [{ rooms: '*', maxMessages: 10 }])
    await retention.sweep(NOW)
    assert.deepEqual(reported.map(String), ['Error: locked'])
    const trimmed = async () => (await store.rooms('', '', 9)).map((room) => room.trimmed)
    assert.deepEqual(await trimmed(), [20, 0, 20])
    store.trim = trim
    await retention.sweep(NOW)
    assert.deepEqual(await trimmed(), [20, 20, 20])
    assert.equal(retention.metrics.failures, 1)
  })

  test('L7 a database that is away is asked a few times in a sweep, not for every room', async () => {
    const store = new ControlledStore()
    for (const i of range(1, 400)) await store.append(numbered(`room ${i}`, 1, 3))
    let trims = 0
    const trim = store.trim.bind(store)
    store.trim = () => (trims++, Promise.reject(new Error('away')))
    const { retention, reported } = retentionOf(store, [{ rooms: 'room *', maxMessages: 1 }])
    await retention.sweep(NOW)
    assert.equal(reported.length, 3)
    assert.ok(trims < 200, `${trims} trims`)
    store.failReads = true
    await retention.sweep(NOW)
    assert.equal(reported.length, 4)
    store.failReads = false
    store.trim = trim
    await retention.sweep(NOW)
    assert.equal(retention.metrics.messages, 800)
  })

  test('L7 sweeps by itself, and not any more once stopped', async () => {
    const store = new ControlledStore()
    await store.append(numbered('a', 1, 30))
    const swept = Promise.withResolvers<void>()
    const trim = store.trim.bind(store)
    store.trim = (room, through) => trim(room, through).finally(swept.resolve)
    const { retention, executor } = retentionOf(store, [{ rooms: 'a', maxMessages: 10 }])
    retention.start(0.01)
    await swept.promise
    retention.stop()
    await executor.idle()
    const { sweeps } = retention.metrics
    const later = new Promise((resolve) => setTimeout(resolve, 40))
    await later
    assert.equal(retention.metrics.sweeps, sweeps)
    await executor.stop()
  })

  test('L7 a sweep under way ends at its next piece when it is stopped, or its executor is', async () => {
    for (const how of ['retention', 'executor'] as const) {
      const store = new ControlledStore()
      for (let i = 0; i < 20; i++) await store.append(numbered('a', 1, 1000))
      const { retention, executor, reported } = retentionOf(store, [{ rooms: 'a', maxMessages: 1 }])
      const trim = store.trim.bind(store)
      let stopping: Promise<unknown> | undefined
      store.trim = (room, through) => {
        if (through === 3000) stopping = how === 'retention' ? Promise.resolve(retention.stop()) : executor.stop()
        return trim(room, through)
      }
      await retention.sweep(NOW)
      await stopping
      assert.equal((await store.extent('a')).trimmed, 3000)
      assert.deepEqual(reported, [])
    }
  })

  for (const [name, fixture] of [['memory', undefined], ['a file', libsqlFile({ worker: false })]] as const) {
    test(
      `L7 after any appends and sweeps exactly what the rules keep is left, in ${name}`,
      { timeout: 60_000 },
      async () => {
        const random = new Random(seed)
        for (let run = 0; run < (fixture === undefined ? 40 : 6); run++) {
          const log = await fixture?.()
          const store = await log?.open() ?? memoryStore()
          try {
            await checkRandomRun(store, random)
          } finally {
            await store.close()
            await log?.remove()
          }
        }
      },
    )
  }

  test('L7 several nodes sweep one log at once, while others append: each message is removed once', async () => {
    const log = await libsqlFile({ worker: false })()
    const stores = [await log.open(), await log.open(), await log.open()]
    const [writer, ...nodes] = stores
    try {
      const rooms = range(1, 30).map((i) => `room ${i}`)
      for (const room of rooms) await writer!.append(numbered(room, 1, 300))
      const sweepers = nodes.map((store) => retentionOf(store, [{ rooms: 'room*', maxMessages: 20 }]))
      const sweeping = Promise.all(sweepers.map(({ retention }) => retention.sweep(NOW)))
      for (let i = 0; i < 5; i++) await writer!.append(rooms.map((room) => message(room)))
      await sweeping
      await Promise.all(sweepers.map(({ retention }) => retention.sweep(NOW)))
      for (const room of rooms) {
        assert.deepEqual(await writer!.extent(room), { head: 305, trimmed: 285 })
        assert.deepEqual(await kept(writer!, room), range(286, 305))
      }
      assert.deepEqual(sweepers.flatMap(({ reported }) => reported), [])
      const removed = sweepers.map(({ retention }) => retention.metrics.messages)
      assert.equal(removed[0]! + removed[1]!, 30 * 285)
    } finally {
      for (const store of stores) await store.close()
      await log.remove()
    }
  })
})

interface Kept {
  readonly seq: number
  readonly ts: number
}

/** A log and its model through random appends and sweeps under random rules. */
async function checkRandomRun(store: MessageStore, random: Random): Promise<void> {
  const rooms = ['a', 'a-1', 'a-2', 'ab', 'b', 'b-1', '*', 'é-1', '😀']
  const patterns = ['a', 'a-*', 'a*', 'b', 'b-1', '😀*', '*'].filter(() => random.chance(0.5))
  const rules = patterns.map((pattern): RetentionRule => ({
    rooms: pattern,
    ...(random.chance(0.6) ? { maxAge: random.whole(1, 50) } : { maxMessages: random.whole(1, 40) }),
    ...(random.chance(0.3) && { maxMessages: random.whole(1, 40) }),
  }))
  const fits = (pattern: string, room: string) =>
    pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : pattern === room
  const model = new Map<string, Kept[]>(rooms.map((room) => [room, []]))
  const heads = new Map<string, number>()
  const { retention, reported } = retentionOf(store, rules)
  let now = NOW
  let removed = 0
  for (let step = 0; step < 12; step++) {
    now += random.whole(0, 20_000)
    const batch = Array.from({ length: random.whole(0, 120) }, () => {
      // Nodes' clocks differ.
      return message(random.pick(rooms), { ts: now - (random.chance(0.1) ? random.whole(-9000, 9000) : 0) })
    })
    const places = await store.append(batch)
    batch.forEach(({ room, ts }, i) => {
      const seq = (heads.get(room) ?? 0) + 1
      assert.equal(places[i]?.seq, seq, `seed ${seed}: seqs go on`)
      heads.set(room, seq)
      model.get(room)!.push({ seq, ts })
    })
    if (random.chance(0.6)) {
      await retention.sweep(now)
      for (const [room, messages] of model) {
        const rule = rules.find(({ rooms: pattern }) => fits(pattern, room))
        if (rule === undefined) continue
        const { maxAge = Infinity, maxMessages = Infinity } = rule
        while (messages.length > 0 && (messages.length > maxMessages || messages[0]!.ts < now - maxAge * 1000)) {
          messages.shift()
          removed += 1
        }
      }
    }
    for (const [room, messages] of model) {
      assert.deepEqual(await kept(store, room), messages.map(({ seq }) => seq), `seed ${seed}: what is left of ${room}`)
      const head = heads.get(room) ?? 0
      const trimmed = (messages[0]?.seq ?? head + 1) - 1
      assert.deepEqual(await store.extent(room), { head, trimmed }, `seed ${seed}: extent of ${room}`)
    }
    assert.equal(retention.metrics.messages, removed, `seed ${seed}: messages removed`)
  }
  assert.deepEqual(reported, [], `seed ${seed}`)
}

describe('retention rules', () => {
  test('X6 a wrong rule is refused with its name, its value and what is allowed', () => {
    const wrong: [unknown, RegExp][] = [
      ['chat-*', /^retention is "chat-\*"; it must be a list of \{ rooms, maxAge, maxMessages \}\.$/],
      [{ rooms: '*', maxAge: 1 }, /^retention is "an object"; it must be a list/],
      [[null], /^retention\[0\] is "null"; it must be an object/],
      [[{ rooms: 'a', maxAge: 1 }, 'b'], /^retention\[1\] is "b"; it must be an object/],
      [[{ maxAge: 1 }], /^retention\[0\]\.rooms is "undefined"; it must be a room, or a beginning and "\*"\.$/],
      [[{ rooms: '', maxAge: 1 }], /^retention\[0\]\.rooms is ""; it must be/],
      [[{ rooms: 'a*b', maxAge: 1 }], /^retention\[0\]\.rooms is "a\*b"; it must be/],
      [[{ rooms: '**', maxAge: 1 }], /^retention\[0\]\.rooms is "\*\*"; it must be/],
      [[{ rooms: 'a\n', maxAge: 1 }], /^retention\[0\]\.rooms is/],
      [[{ rooms: 'a' }], /^retention\[0\] has neither maxAge nor maxMessages; it must have one of them/],
      [[{ rooms: 'a', maxAge: undefined }], /^retention\[0\] has neither/],
      [[{ rooms: 'a', maxAge: 0 }], /^retention\[0\]\.maxAge is "0"; it must be a number of seconds from 1 to \d+\.$/],
      [[{ rooms: 'a', maxAge: -1 }], /^retention\[0\]\.maxAge is "-1"/],
      [[{ rooms: 'a', maxAge: '60' }], /^retention\[0\]\.maxAge is "60"/],
      [[{ rooms: 'a', maxAge: NaN }], /^retention\[0\]\.maxAge is "NaN"/],
      [[{ rooms: 'a', maxAge: Infinity }], /^retention\[0\]\.maxAge is "Infinity"/],
      [[{ rooms: 'a', maxAge: null }], /^retention\[0\]\.maxAge is "null"/],
      [[{ rooms: 'a', maxMessages: 0 }], /^retention\[0\]\.maxMessages is "0"; it must be a whole number from 1 to/],
      [[{ rooms: 'a', maxMessages: 1.5 }], /^retention\[0\]\.maxMessages is "1\.5"/],
      [
        [{ rooms: 'a', maxage: 1 }],
        /^retention\[0\]\.maxage is not a setting; there are: rooms, maxAge, maxMessages\.$/,
      ],
      [
        [{ rooms: 'a*', maxAge: 1 }, { rooms: 'b', maxAge: 1 }, { rooms: 'ab*', maxAge: 2 }],
        /^retention\[2\]\.rooms is "ab\*", all of whose rooms fit retention\[0\], "a\*"; .* put the narrower first\.$/,
      ],
      [[{ rooms: 'a', maxAge: 1 }, { rooms: 'a', maxAge: 1 }], /^retention\[1\]\.rooms is "a"/],
      [[{ rooms: '*', maxAge: 1 }, { rooms: 'a', maxAge: 1 }], /^retention\[1\]\.rooms is "a"/],
    ]
    for (const [rules, pattern] of wrong) {
      assert.throws(() => checkRetention(rules as RetentionRule[]), (error: RotundaError) => {
        assert.equal(error.code, 'invalid_config')
        assert.match(error.message, pattern)
        return true
      })
    }
    for (const seconds of [0, -1, NaN, 86_401, '60' as unknown as number]) {
      assert.throws(() => checkRetentionInterval(seconds), {
        code: 'invalid_config',
        message: /^retentionInterval is /,
      })
    }
  })

  test('L7 without rules nothing is swept; the interval is a minute unless said otherwise', () => {
    assert.deepEqual(checkRetention(), [])
    assert.equal(checkRetentionInterval(), 60)
    assert.equal(checkRetentionInterval(0.5), 0.5)
    const rules = [{ rooms: 'a', maxAge: 1.5 }, { rooms: 'ab*', maxMessages: 1 }, { rooms: 'a*', maxAge: 9 }]
    assert.deepEqual(checkRetention(rules), rules)
  })
})
