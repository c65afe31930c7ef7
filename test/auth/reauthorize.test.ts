import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { notes, range } from '../support/test_hub.ts'

const SESSIONS = 300
const ROOMS = 20

/** A hub whose policy takes its time, and counts how many it is asked at once. */
function setUp() {
  const host = new MemoryHost({ native: true })
  const policy = { closed: new Set<string>(), now: 0, most: 0, asked: 0 }
  const hub = createHub({
    protocol: notes,
    authorize: async (_, action, room) => {
      policy.asked += 1
      policy.most = Math.max(policy.most, ++policy.now)
      await new Promise((resolve) => setTimeout(resolve))
      policy.now -= 1
      return action === 'presence' || !policy.closed.has(room)
    },
  })
  const peers = range(1, SESSIONS).map(() => connectPeer(hub, host))
  return { hub, policy, peers }
}

async function join(peer: MemoryPeer, rooms: readonly string[]): Promise<void> {
  for (const room of rooms) peer.say({ type: 'room.join', room, ref: room })
  for (const room of rooms) await peer.next('room.joined', room)
}

describe('hub.reauthorize', () => {
  test('asks about everything, a bounded number at a time, and all is done when it resolves', async () => {
    const { hub, policy, peers } = setUp()
    const rooms = range(1, ROOMS).map((n) => `room ${n}`)
    await Promise.all(peers.map((peer) => join(peer, ['r'])))
    await join(peers[0]!, rooms)
    policy.closed.add('r').add('room 7')
    policy.most = policy.asked = 0
    await hub.reauthorize()
    assert.equal(policy.asked, SESSIONS + ROOMS)
    assert.ok(policy.most >= 64 && policy.most <= 64 + 15, `${policy.most} at once`)
    assert.deepEqual(hub.rooms.sort(), rooms.filter((room) => room !== 'room 7').sort())
    for (const peer of peers) assert.equal((await peer.next('room.left')).room, 'r')
    await hub.close()
  })

  test('lets no join be decided by what was allowed before, however late its session comes', async () => {
    const store = new ControlledStore()
    const may = { replay: true }
    const hub = createHub({
      protocol: notes,
      store,
      authorize: async (_, action) => {
        await new Promise((resolve) => setTimeout(resolve))
        return action !== 'replay' || may.replay
      },
    })
    const host = new MemoryHost({ native: true })
    const before = range(1, SESSIONS).map(() => connectPeer(hub, host))
    await Promise.all(before.map((peer) => join(peer, ['other'])))
    const late = connectPeer(hub, host)
    await hub.room('r').publish('note', { text: 'secret' })
    store.holdAnswers()
    const reads = store.reads
    late.say({ type: 'room.join', room: 'r', ref: '1', payload: { last: 10 } })
    while (store.reads === reads) await new Promise((resolve) => setTimeout(resolve))
    may.replay = false
    const done = hub.reauthorize()
    store.releaseAnswers()
    assert.equal((await late.next('error', '1')).type, 'error')
    await done
    assert.deepEqual(late.seqs('r'), [])
    await hub.close()
  })

  test('hub.revoke takes identities at once, and asks about their rooms some at a time', async () => {
    const { hub, policy, peers } = setUp()
    for (const { connection } of peers) connection.identity = { subject: 'ada', claims: {} }
    await Promise.all(peers.map((peer) => join(peer, ['r'])))
    policy.most = 0
    policy.closed.add('r')
    const revoked = hub.revoke('ada', { how: 'downgrade' })
    assert.ok(peers.every(({ connection }) => connection.identity === undefined))
    assert.equal(await revoked, SESSIONS)
    assert.equal(policy.most, 64)
    assert.deepEqual(hub.rooms, [])
    await hub.close()
  })
})
