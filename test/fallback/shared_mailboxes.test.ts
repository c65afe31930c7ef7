import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Envelope, type FallbackOptions } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { fallbackHub } from '../support/fallback_hub.ts'
import { type Ask, cursorOf, errorCode, sending } from '../support/http_client.ts'
import { note, range } from '../support/test_hub.ts'

const SHARED: FallbackOptions = { shared: true }

async function read(ask: Ask, query: string): Promise<{ envelopes: Envelope[]; cursor: string }> {
  const response = await ask(`/poll?${query}`)
  if (response.status !== 200) throw new Error(await errorCode(response))
  return { envelopes: await response.json() as Envelope[], cursor: cursorOf(response) }
}

const texts = (envelopes: readonly Envelope[]) => {
  return envelopes.map(({ payload }) => Object.values(payload as Record<string, string>)[0])
}

describe('shared mailboxes', () => {
  test('forward from sockets to polls: durable and not, in order, for any number of readers', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    const socket = connectPeer(hub, new MemoryHost({ native: false }))
    for (const n of [1, 2, 3]) {
      socket.say(note(`n${n}`, { ref: `${n}` }))
      await socket.next('ack', `${n}`)
      socket.say({ type: 'typing', room: 'r', payload: { user: `t${n}` } })
    }
    const first = await read(ask, 'session_id=room:r&max=50')
    assert.deepEqual(texts(first.envelopes), ['n1', 't1', 'n2', 't2', 'n3', 't3'])
    assert.deepEqual((await read(ask, 'session_id=room:r&max=50')).envelopes, first.envelopes)
    socket.say({ type: 'typing', room: 'r', payload: { user: 't4' } })
    assert.deepEqual(texts((await read(ask, `session_id=room:r&cursor=${first.cursor}`)).envelopes), ['t4'])
    await hub.close()
  })

  test('forward from HTTP to sockets: what is sent to a mailbox goes to its room', async () => {
    const { hub, ask } = fallbackHub({ authorize: (_, action) => action === 'broadcast' || undefined }, SHARED)
    const socket = connectPeer(hub, new MemoryHost({ native: true }))
    socket.say({ type: 'room.join', room: 'r', ref: 'j' })
    await socket.next('room.joined', 'j')
    const bodies: [string, object, string][] = [
      ['', note('in its room'), 'room:r'],
      ['?session_id=room:r', { type: 'note', payload: { text: 'in the parameter' } }, 'room:r'],
      ['', { session_id: 'room:r', type: 'note', payload: { text: 'in the body' } }, 'room:r'],
      ['?session_id=broadcast', { type: 'typing', payload: { user: 'to all' } }, 'broadcast'],
    ]
    for (const [query, body, mailbox] of bodies) {
      const response = await ask(`/send${query}`, sending(body))
      assert.deepEqual([response.status, await response.json()], [202, { status: 'queued', session_id: mailbox }])
    }
    await socket.until((received) => received.length >= 6)
    assert.deepEqual(texts(socket.received.slice(2)).sort(), [
      'in its room',
      'in the body',
      'in the parameter',
      'to all',
    ])
    assert.deepEqual(texts((await read(ask, 'session_id=broadcast')).envelopes), ['to all'])
    await hub.close()
  })

  test('each poller has its own place: by its cursor, or by its name', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    for (const n of range(1, 6)) await hub.room('r').publish('note', { text: `${n}` })
    const slow = await read(ask, 'session_id=room:r&max=2&poller=slow')
    assert.deepEqual(texts(slow.envelopes), ['1', '2'])
    assert.deepEqual(texts((await read(ask, 'session_id=room:r&poller=quick')).envelopes), [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ])
    assert.deepEqual(texts((await read(ask, 'session_id=room:r&max=2&poller=slow')).envelopes), ['3', '4'])
    assert.deepEqual((await read(ask, 'session_id=room:r&poller=quick')).envelopes, [])
    assert.deepEqual(texts((await read(ask, `session_id=room:r&cursor=${slow.cursor}&max=1`)).envelopes), ['3'])
    await hub.close()
  })

  test('drop the oldest of what is not durable beyond 256, and nothing that is', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    for (const n of range(1, 400)) {
      await hub.room('r').publish('note', { text: `n${n}` })
      hub.room('r').publish('typing', { user: `t${n}` })
    }
    assert.equal(hub.metrics.longPoll!.dropped, 144)
    assert.equal(hub.metrics.longPoll!.buffered, 256)
    const all: (string | undefined)[] = []
    let query = 'session_id=room:r&max=512'
    for (let came = 1; came > 0;) {
      const { envelopes, cursor } = await read(ask, query)
      came = envelopes.length
      all.push(...texts(envelopes))
      query = `session_id=room:r&max=512&cursor=${cursor}`
    }
    assert.deepEqual(all.filter((text) => text!.startsWith('n')), range(1, 400).map((n) => `n${n}`))
    assert.deepEqual(all.filter((text) => text!.startsWith('t')), range(145, 400).map((n) => `t${n}`))
    await hub.close()
  })

  test('give what another node has stored in between, in its place', async () => {
    const store = new ControlledStore()
    const a = fallbackHub({ store }, SHARED)
    const b = fallbackHub({ store, node: 'n2' })
    await a.hub.room('r').publish('note', { text: '1' })
    const { cursor } = await read(a.ask, 'session_id=room:r')
    await b.hub.room('r').publish('note', { text: '2' })
    await b.hub.room('r').publish('note', { text: '3' })
    await a.hub.room('r').publish('note', { text: '4' })
    assert.deepEqual(texts((await read(a.ask, `session_id=room:r&cursor=${cursor}&max=2`)).envelopes), ['2', '3'])
    assert.deepEqual(texts((await read(a.ask, `session_id=room:r&cursor=${cursor}`)).envelopes), ['2', '3', '4'])
    await Promise.all([a.hub.close(), b.hub.close()])
  })

  test('hold a poll open until something comes', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    const polled = read(ask, 'session_id=room:r&wait=30')
    while (hub.metrics.longPoll!.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    hub.room('r').publish('typing', { user: 'now' })
    assert.deepEqual(texts((await polled).envelopes), ['now'])
    assert.deepEqual((await read(ask, 'session_id=room:other&wait=0.05')).envelopes, [])
    await hub.close()
  })

  test('are named by the application, which says who may read them', async () => {
    const { hub, ask } = fallbackHub(
      { metadata: ({ headers }) => ({ user: headers.get('cookie') }) },
      {
        shared: {
          resolve: ({ type, payload }) => {
            if (type === 'typing') throw new Error('the resolver fails')
            return `user:${(JSON.parse(payload as string) as { text: string }).text.split(' ')[0]}`
          },
          mayRead: (metadata, mailbox) => mailbox === `user:${(metadata as { user: string }).user}`,
        },
      },
    )
    const reported: unknown[] = []
    hub.onError((error) => void reported.push(error))
    await hub.room('r').publish('note', { text: 'ada hello' })
    await hub.room('s').publish('note', { text: 'eve hello' })
    await hub.room('r').publish('note', { text: 'ada again' })
    hub.room('r').publish('typing', { user: 'x' })
    const response = await ask('/poll?session_id=user:ada', { headers: { cookie: 'ada' } })
    assert.deepEqual(texts(await response.json() as Envelope[]), ['ada hello', 'ada again'])
    assert.equal(
      await errorCode(await ask('/poll?session_id=user:ada', { headers: { cookie: 'eve' } })),
      '403 forbidden',
    )
    assert.equal(reported.length, 1)
    await hub.close()
  })

  test('of rooms are up to the rooms’ policies, broadcast to nobody’s, others are closed', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    assert.equal(await errorCode(await ask('/poll?session_id=room:private-x')), '403 forbidden')
    assert.equal(await errorCode(await ask('/poll?session_id=anything')), '403 forbidden')
    assert.equal(await errorCode(await ask('/poll?session_id=')), '404 not_found')
    assert.equal(await errorCode(await ask(`/poll?session_id=${'x'.repeat(300)}`)), '404 not_found')
    assert.equal((await ask('/poll?session_id=broadcast')).status, 200)
    await hub.close()
  })

  test('are forgotten after their time without use; who comes back is told, typed', async () => {
    const { hub, ask } = fallbackHub({}, { ...SHARED, ttl: 1 })
    await hub.room('r').publish('note', { text: '1' })
    const { cursor } = await read(ask, 'session_id=room:r')
    assert.equal(hub.metrics.longPoll!.sessions, 1)
    while (hub.metrics.longPoll!.sessions > 0) await new Promise((resolve) => setTimeout(resolve, 20))
    await hub.room('r').publish('note', { text: '2' })
    const { envelopes } = await read(ask, `session_id=room:r&cursor=${cursor}`)
    assert.equal((envelopes[0]!.payload as { code: string }).code, 'epoch_changed')
    assert.deepEqual(texts(envelopes.slice(1)), ['2'])
    await hub.close()
  })

  test('are bounded in number: the one used longest ago makes way', async () => {
    const { hub, ask } = fallbackHub({}, { shared: { maxMailboxes: 100 } })
    for (const n of range(1, 1_000)) hub.room(`r${n}`).publish('typing', { user: `${n}` })
    assert.equal(hub.metrics.longPoll!.sessions, 100)
    assert.equal(hub.metrics.longPoll!.buffered, 100)
    assert.deepEqual(texts((await read(ask, 'session_id=room:r1000')).envelopes), ['1000'])
    assert.deepEqual((await read(ask, 'session_id=room:r1')).envelopes, [])
    await hub.close()
  })

  test('cursors of another mailbox or beyond its end are refused; where there are no mailboxes: not_found', async () => {
    const { hub, ask } = fallbackHub({}, SHARED)
    const { cursor } = await read(ask, 'session_id=room:r')
    for (const bad of ['x', '12', `${cursor.split('.')[0]}.99`, `${cursor}x`]) {
      assert.equal(await errorCode(await ask(`/poll?session_id=room:r&cursor=${bad}`)), '400 invalid_cursor', bad)
    }
    const long = 'p'.repeat(200)
    assert.equal(await errorCode(await ask(`/poll?session_id=room:r&poller=${long}`)), '400 invalid_cursor')
    await hub.close()
    const without = fallbackHub()
    assert.equal(await errorCode(await without.ask('/poll?session_id=room:r')), '404 not_found')
    await without.hub.close()
  })
})
