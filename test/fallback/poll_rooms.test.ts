import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Envelope, RotundaError } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { type Ask, cursorOf, errorCode } from '../support/http_client.ts'
import { range } from '../support/test_hub.ts'

type NotesHub = ReturnType<typeof fallbackHub>['hub']

const text = (n: number | string) => ({ text: `note ${n}` })

async function fill(hub: NotesHub, room: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await hub.room(room).publish('note', text(n))
}

async function poll(ask: Ask, query: string): Promise<{ envelopes: Envelope[]; cursor: string }> {
  const response = await ask(`/poll?${query}`)
  assert.equal(response.status, 200, response.status === 200 ? '' : await response.text())
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return { envelopes: await response.json() as Envelope[], cursor: cursorOf(response) }
}

const seqs = (envelopes: Envelope[], room = 'r') => envelopes.filter((e) => e.room === room && e.seq).map((e) => e.seq)

/** Resolves when so many polls wait. */
async function waiting(hub: NotesHub, count: number): Promise<void> {
  while (hub.metrics.longPoll!.waiting < count) await new Promise((resolve) => setTimeout(resolve, 1))
}

describe('a poll of rooms', () => {
  test('without a cursor says where it stands; with one gives what is after it, in order', async () => {
    const { hub, ask } = fallbackHub()
    await fill(hub, 'r', 5)
    const first = await poll(ask, 'room=r')
    assert.deepEqual(first.envelopes, [
      { type: 'room.joined', room: 'r', payload: { head: 5, epoch: hub.epoch, cursor: 5 } },
    ])
    assert.deepEqual((await poll(ask, `room=r&cursor=${first.cursor}`)).envelopes, [])
    await fill(hub, 'r', 3)
    const second = await poll(ask, `room=r&cursor=${first.cursor}`)
    assert.deepEqual(seqs(second.envelopes), [6, 7, 8])
    assert.equal(second.cursor, `${hub.epoch}:8`)
    assert.deepEqual(seqs((await poll(ask, `room=r&after=6&epoch=${hub.epoch}`)).envelopes), [7, 8])
    assert.deepEqual(seqs((await poll(ask, 'room=r&last=2')).envelopes), [7, 8])
    await hub.close()
  })

  test('waits until there is something, and gives it as soon as it is committed', async () => {
    const { hub, ask } = fallbackHub()
    const { cursor } = await poll(ask, 'room=r')
    const began = performance.now()
    const polled = poll(ask, `room=r&cursor=${cursor}&wait=30`)
    await waiting(hub, 1)
    hub.room('r').publish('typing', { user: 'nobody hears this' })
    await fill(hub, 'r', 1)
    assert.deepEqual(seqs((await polled).envelopes), [1])
    assert.ok(performance.now() - began < 10_000)
    assert.equal(hub.metrics.longPoll!.waiting, 0)
    await hub.close()
  })

  test('whose time is over gives an empty array and the same cursor', async () => {
    const { hub, ask } = fallbackHub()
    await fill(hub, 'r', 1)
    const began = performance.now()
    const { envelopes, cursor } = await poll(ask, `room=r&cursor=${hub.epoch}:1&wait=0.2`)
    assert.deepEqual([envelopes, cursor], [[], `${hub.epoch}:1`])
    assert.ok(performance.now() - began >= 199)
    await hub.close()
  })

  test('is not a member of the room, and leaves nothing behind', async () => {
    const { hub, ask } = fallbackHub()
    const polled = poll(ask, `room=r&cursor=${hub.epoch}:0&wait=30`)
    await waiting(hub, 1)
    assert.deepEqual([hub.room('r').size, hub.rooms, hub.sessionCount], [0, [], 0])
    await fill(hub, 'r', 1)
    await polled
    assert.equal(hub.metrics.rooms, 0)
    await hub.close()
  })

  test('of many, each from its own place, each gets all that is after it', async () => {
    const { hub, ask } = fallbackHub()
    await fill(hub, 'r', 10)
    const polls = range(0, 9).map((seq) => poll(ask, `room=r&cursor=${hub.epoch}:${seq}&wait=30`))
    for (const [seq, { envelopes }] of (await Promise.all(polls)).entries()) {
      assert.deepEqual(seqs(envelopes), range(seq + 1, 10))
    }
    await hub.close()
  })

  test('a thousand that wait for the same are answered with one read of the log', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    const polls = range(1, 1_000).map(() => poll(ask, `room=r&cursor=${hub.epoch}:0&wait=30`))
    await waiting(hub, 1_000)
    const before = store.reads
    await fill(hub, 'r', 1)
    for (const { envelopes } of await Promise.all(polls)) assert.deepEqual(seqs(envelopes), [1])
    assert.ok(store.reads - before <= 3, `${store.reads - before} reads`)
    await hub.close()
  })

  test('of several rooms gives of all, in order in each, none behind a busy one', async () => {
    const { hub, ask } = fallbackHub()
    await fill(hub, 'busy', 20)
    await fill(hub, 'calm', 2)
    const first = await poll(ask, `room=busy&room=calm&cursor=${hub.epoch}:0,0&max=6`)
    assert.deepEqual(seqs(first.envelopes, 'busy'), [1, 2, 3])
    assert.deepEqual(seqs(first.envelopes, 'calm'), [1, 2])
    assert.equal(first.cursor, `${hub.epoch}:3,2`)
    const rest = await poll(ask, `room=busy&room=calm&cursor=${first.cursor}`)
    assert.deepEqual(seqs(rest.envelopes, 'busy'), range(4, 20))
    await hub.close()
  })

  test('of several rooms wakes for any of them', async () => {
    const { hub, ask } = fallbackHub()
    const polled = poll(ask, `room=a&room=b&cursor=${hub.epoch}:0,0&wait=30`)
    await waiting(hub, 1)
    await fill(hub, 'b', 1)
    const { envelopes, cursor } = await polled
    assert.deepEqual([seqs(envelopes, 'b'), cursor], [[1], `${hub.epoch}:0,1`])
    await hub.close()
  })

  test('ends at max, and at about 1 MiB, and goes on from there', async () => {
    const { hub, ask } = fallbackHub()
    for (let n = 1; n <= 40; n++) await hub.room('r').publish('note', { text: 'x'.repeat(60_000) })
    let cursor = `${hub.epoch}:0`
    const sizes: number[] = []
    for (let seq = 0; seq < 40;) {
      const response = await ask(`/poll?room=r&cursor=${cursor}&max=512`)
      cursor = cursorOf(response)
      const body = await response.text()
      sizes.push(body.length)
      const got = seqs(JSON.parse(body))
      assert.deepEqual(got, range(seq + 1, seq + got.length))
      seq += got.length
    }
    assert.ok(sizes.length >= 3 && Math.max(...sizes) < 1.1 * 1024 * 1024, String(sizes))
    assert.equal(seqs((await poll(ask, `room=r&cursor=${hub.epoch}:0&max=1`)).envelopes).length, 1)
    await hub.close()
  })

  test('with a cursor of another log, ahead of it, or whose messages are gone: tells so, typed, and goes on', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    await fill(hub, 'r', 5)
    await store.trim('r', 2)
    const gap = async (cursor: string) => {
      const answer = await poll(ask, `room=r&cursor=${cursor}`)
      const [first] = answer.envelopes
      assert.equal(first!.type, 'room.gap')
      return { ...(first!.payload as object), message: '', seqs: seqs(answer.envelopes), then: answer.cursor }
    }
    const common = { message: '', epoch: hub.epoch, then: `${hub.epoch}:5` }
    assert.deepEqual(await gap('other:3'), {
      ...common,
      code: 'epoch_changed',
      missed: null,
      cursor: 0,
      seqs: [3, 4, 5],
    })
    assert.deepEqual(await gap(`${hub.epoch}:9`), {
      ...common,
      code: 'cursor_ahead',
      missed: null,
      cursor: 5,
      seqs: [],
    })
    const missed = { from: 1, to: 2 }
    assert.deepEqual(await gap(`${hub.epoch}:0`), {
      ...common,
      code: 'history_trimmed',
      missed,
      cursor: 2,
      seqs: [3, 4, 5],
    })
    await store.trim('r', 5)
    assert.deepEqual(await gap(`${hub.epoch}:3`), {
      ...common,
      code: 'history_trimmed',
      missed: { from: 4, to: 5 },
      cursor: 5,
      seqs: [],
    })
    await hub.close()
  })

  test('finds at the end of its wait what another node has stored meanwhile', async () => {
    const store = new ControlledStore()
    const a = fallbackHub({ store })
    const b = fallbackHub({ store, node: 'n2' })
    const polled = poll(a.ask, `room=r&cursor=${a.hub.epoch}:0&wait=0.3`)
    await waiting(a.hub, 1)
    await fill(b.hub, 'r', 1)
    assert.deepEqual(seqs((await polled).envelopes), [1])
    await Promise.all([a.hub.close(), b.hub.close()])
  })

  test('in which somebody is already sees what another node has stored, at once', async () => {
    const store = new ControlledStore()
    const a = fallbackHub({ store })
    const b = fallbackHub({ store, node: 'n2' })
    const open = poll(a.ask, `room=r&cursor=${a.hub.epoch}:0&wait=30`)
    await waiting(a.hub, 1)
    await fill(b.hub, 'r', 2)
    assert.deepEqual(seqs((await poll(a.ask, `room=r&cursor=${a.hub.epoch}:0`)).envelopes), [1, 2])
    assert.deepEqual(seqs((await open).envelopes), [1, 2])
    await Promise.all([a.hub.close(), b.hub.close()])
  })

  test('is authorised each time, and again before it tells what came while it waited', async () => {
    let isAllowed = true
    const asked: string[] = []
    const { hub, ask } = fallbackHub({
      metadata: (request) => {
        if (new URL(request.url).searchParams.get('user') === null) throw new RotundaError('unauthenticated', 'Who?')
        return { user: new URL(request.url).searchParams.get('user') }
      },
      authorize: (who, action, target) => {
        asked.push(`${who.metadata['user']} ${action} ${target} ${who.session === undefined}`)
        return target === 'r' ? isAllowed : undefined
      },
    })
    assert.equal(await errorCode(await ask('/poll?room=r')), '401 unauthenticated')
    assert.equal(await errorCode(await ask('/poll?room=private-x&user=u')), '403 forbidden')
    asked.length = 0
    const polled = ask(`/poll?room=r&cursor=${hub.epoch}:0&wait=30&user=ada`)
    await waiting(hub, 1)
    assert.deepEqual(asked, ['ada join r true', 'ada replay r true'])
    isAllowed = false
    await fill(hub, 'r', 1)
    assert.equal(await errorCode(await polled), '403 forbidden')
    await hub.close()
  })

  test('of a room one may join but whose past one may not have begins now and never looks back', async () => {
    const { hub, ask } = fallbackHub({ authorize: (_, action) => action !== 'replay' })
    await fill(hub, 'r', 2)
    assert.equal((await poll(ask, 'room=r')).envelopes[0]!.type, 'room.joined')
    assert.equal(await errorCode(await ask(`/poll?room=r&cursor=${hub.epoch}:1`)), '403 forbidden')
    assert.equal(await errorCode(await ask('/poll?room=r&last=1')), '403 forbidden')
    await hub.close()
  })

  test('that was abandoned is forgotten at once where the runtime tells', async () => {
    const { hub, ask } = fallbackHub()
    const gone = new AbortController()
    const polled = ask(`/poll?room=r&cursor=${hub.epoch}:0&wait=60`, { signal: gone.signal })
    await waiting(hub, 1)
    assert.equal(hub.companions.size, 1)
    gone.abort()
    await polled
    assert.deepEqual([hub.metrics.longPoll!.waiting, hub.companions.size, hub.metrics.rooms], [0, 0, 0])
    await hub.close()
  })

  test('counts as a connection: one more than the limit is refused with 503', async () => {
    const { hub, ask } = fallbackHub({ limits: { maxConnections: 2 } })
    const polls = range(1, 2).map(() => poll(ask, `room=r&cursor=${hub.epoch}:0&wait=30`))
    await waiting(hub, 2)
    const response = await ask(`/poll?room=r&cursor=${hub.epoch}:0`)
    assert.equal(response.headers.get('retry-after'), '5')
    assert.equal(await errorCode(response), '503 connection_limit')
    await fill(hub, 'r', 1)
    await Promise.all(polls)
    assert.equal((await ask(`/poll?room=r&cursor=${hub.epoch}:0`)).status, 200)
    await hub.close()
  })

  test('that waits when the hub stops is answered, and the next one refused', async () => {
    const { hub, ask } = fallbackHub()
    const polled = poll(ask, `room=r&cursor=${hub.epoch}:0&wait=60`)
    await waiting(hub, 1)
    const closing = hub.close()
    assert.equal(await errorCode(await ask('/poll?room=r')), '503 shutting_down')
    assert.deepEqual((await polled).envelopes, [])
    await closing
  })

  test('of a store that cannot be read: store_unavailable, and well again afterwards', async () => {
    const store = new ControlledStore()
    const { hub, ask } = fallbackHub({ store })
    hub.onError(() => {})
    store.failReads = true
    assert.equal(await errorCode(await ask('/poll?room=r')), '503 store_unavailable')
    store.failReads = false
    assert.equal((await ask('/poll?room=r')).status, 200)
    await hub.close()
  })
})
