import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memoryStore } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { type NotesHub, notesHub, range } from '../support/test_hub.ts'

const hosts = [['a host with topics', true], ['a host without topics', false]] as const
const typing = { type: 'typing', room: 'r', payload: { user: 'u' } }

async function join(hub: NotesHub, host: MemoryHost, count: number, room = 'r'): Promise<MemoryPeer[]> {
  const peers = range(1, count).map(() => connectPeer(hub, host))
  for (const peer of peers) peer.say({ type: 'room.join', room, ref: '1', payload: {} })
  await Promise.all(peers.map((peer) => peer.next('room.joined')))
  return peers
}

/** The next turn of the event loop, as timers see it. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

for (const [name, native] of hosts) {
  describe(`large rooms on ${name}`, () => {
    test('a room of thousands is served over several turns, and small rooms do not wait for it', async () => {
      const hub = notesHub(memoryStore())
      const host = new MemoryHost({ native })
      const [small] = await join(hub, host, 1, 'small')
      const members = await join(hub, host, 3_000)
      for (const { frames } of members) frames.length = 0
      const served = () => members.filter(({ frames }) => frames.length > 0).length
      let servedBefore = NaN
      const heard = small!.until((all) => all.some(({ type }) => type === 'note')).then(() => servedBefore = served())
      await Promise.all([
        hub.room('r').publish('note', { text: 'a' }),
        hub.room('small').publish('note', { text: 'b' }),
      ])
      const steps: number[] = []
      for (; served() < members.length; await turn()) steps.push(served())
      await heard
      assert.ok(servedBefore < 1_000, `${servedBefore} of the large room came first`)
      const most = Math.max(...steps.map((step, i) => step - (steps[i - 1] ?? 0)))
      assert.ok(most <= 1_500, `${most} were served in one go`)
      assert.ok(members.every((peer) => peer.frames.length === 1 && peer.seqs('r')[0] === 1), 'each has it once')
      await hub.close()
    })

    test('I4: in order, without gap or repeat, whoever comes, goes, falls behind or returns meanwhile', async () => {
      const hub = notesHub(memoryStore(), { highWaterMark: 65_536 })
      const host = new MemoryHost({ native })
      const members = await join(hub, host, 900)
      const late: MemoryPeer[] = []
      let sent = 0
      for (const round of range(1, 32)) {
        const [stalled, back, gone] = [members[round * 7]!, members[round * 7 - 14], members[round * 11 + 400]!]
        stalled.stalled = true
        back?.drain()
        gone.terminate()
        const publishing = range(1, 5).map(() => hub.room('r').publish('note', { text: `${++sent}`.padEnd(4_000) }))
        const peer = connectPeer(hub, host, { batches: round % 2 === 0 })
        const since = { since: { epoch: hub.epoch, seq: Math.max(0, sent - 20) } }
        peer.say({ type: 'room.join', room: 'r', ref: '1', payload: round % 3 === 0 ? since : {} })
        late.push(peer)
        members[0]!.say(typing)
        await (round % 4 === 0 ? Promise.all(publishing) : turn())
      }
      for (const peer of members) if (peer.stalled) peer.drain()
      const staying = members.filter(({ closedWith }) => closedWith === undefined)
      for (const peer of [...staying, ...late]) await peer.until(() => peer.seqs('r').at(-1) === sent)
      for (const peer of staying) assert.deepEqual(peer.seqs('r'), range(1, sent))
      for (const peer of late) {
        const { cursor } = (await peer.next('room.joined')).payload as { cursor: number }
        assert.deepEqual(peer.seqs('r'), range(cursor + 1, sent))
      }
      await hub.close()
    })

    test('what is said in one turn reaches each member in one turn, in order', async () => {
      const hub = notesHub(memoryStore())
      const host = new MemoryHost({ native })
      const members = await join(hub, host, 2_000)
      for (const { frames } of members) frames.length = 0
      for (const i of range(1, 50)) hub.room('r').publish('typing', { user: `${i}` })
      const parts = new Set<number>()
      for (; members.some(({ frames }) => frames.length < 50); await turn()) {
        for (const { frames } of members) parts.add(frames.length)
      }
      assert.deepEqual([...parts].sort((a, b) => a - b), [0, 50])
      const users = members.at(-1)!.received.map(({ payload }) => (payload as { user: string }).user)
      assert.deepEqual(users, range(1, 50).map(String))
      await hub.close()
    })

    test('I5: what waits for a large room is bounded: with more, it goes out at once', async () => {
      const hub = notesHub(memoryStore(), { maxMessageSize: 1024 * 1024 })
      const host = new MemoryHost({ native })
      const members = await join(hub, host, 700)
      for (const { frames } of members) frames.length = 0
      for (const _ of range(1, 40)) hub.room('r').publish('typing', { user: 'u'.repeat(100_000) })
      const had = Math.min(...members.map(({ frames }) => frames.length))
      assert.ok(had >= 25, `each has had ${had} of 40, and what is left takes more than 1.5 MB`)
      for (const peer of members) await peer.until(() => peer.frames.length === 40)
      await hub.close()
    })
  })
}

describe('turns', () => {
  test('who reads the log while nobody else does waits for no other turn', async () => {
    const hub = notesHub(memoryStore())
    await Promise.all(range(1, 3_000).map((i) => hub.room('r').publish('note', { text: `${i}` })))
    const reader = connectPeer(hub, new MemoryHost({ native: true }))
    await turn()
    let isLater = false
    reader.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 2_500 } })
    setTimeout(() => isLater = true, 0)
    await reader.until(() => reader.seqs('r').at(-1) === 3_000)
    assert.equal(isLater, false)
    assert.deepEqual(reader.seqs('r'), range(501, 3_000))
    await hub.close()
  })

  test('many who read the same log from the same place share its pages', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store)
    const host = new MemoryHost({ native: true })
    await Promise.all(range(1, 2_000).map((i) => hub.room('r').publish('note', { text: `${i}`.padEnd(1_000) })))
    const readers = range(1, 120).map(() => connectPeer(hub, host))
    store.reads = 0
    const payload = { since: { epoch: hub.epoch, seq: 0 } }
    for (const peer of readers) peer.say({ type: 'room.join', room: 'r', ref: '1', payload })
    for (const peer of readers) await peer.until(() => peer.frames.length > 10 && peer.seqs('r').at(-1) === 2_000)
    for (const peer of readers) assert.deepEqual(peer.seqs('r'), range(1, 2_000))
    assert.ok(store.reads < 40, `the store was read ${store.reads} times`)
    await hub.close()
  })

  test('thousands whose pings and ends are due together get them over several turns, and all of them', async () => {
    const hub = notesHub(memoryStore(), { pingInterval: 0.05, pongTimeout: 0.05, idleTimeout: 0 })
    const host = new MemoryHost({ native: true })
    const peers = range(1, 3_000).map(() => connectPeer(hub, host))
    const most = { pings: 0, closes: 0 }
    const before = { pings: 0, closes: 0 }
    for (; before.closes < peers.length; await turn()) {
      const pings = peers.reduce((sum, peer) => sum + peer.pings, 0)
      const closes = peers.filter(({ closedWith }) => closedWith?.code === 4001).length
      most.pings = Math.max(most.pings, pings - before.pings)
      most.closes = Math.max(most.closes, closes - before.closes)
      Object.assign(before, { pings, closes })
    }
    assert.equal(before.pings, peers.length)
    assert.ok(most.pings < 1_500 && most.closes < 1_500, `in one go ${most.pings} pings, ${most.closes} closes`)
    await hub.close()
  })
})
