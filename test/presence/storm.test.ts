import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { range } from '../support/test_hub.ts'
import { Scene, type TestClient } from './support.ts'

const CROWD = 10_000
const MIBIBYTE = 1024 * 1024

/** Everybody says something without waiting for the answer. */
function all(clients: readonly TestClient[], type: string, payload: (index: number) => unknown): void {
  clients.forEach(({ peer }, index) => {
    peer.say({ type, room: 'r', payload: payload(index) })
    peer.frames.length = 0
  })
}

async function crowd(at: Scene, from: number): Promise<TestClient[]> {
  const clients: TestClient[] = []
  for (const i of range(from, from + CROWD - 1)) clients.push(await at.client(`user ${i}`))
  return clients
}

describe('R4 10,000 members in one room', () => {
  test(
    'come and go by storm: what waits is an entry a member, and all see the outcome',
    { timeout: 60_000 },
    async () => {
      const at = new Scene({
        limits: { maxConnections: 50_000, highWaterMark: 64 * MIBIBYTE, hardLimit: 256 * MIBIBYTE },
      })
      const clients = await crowd(at, 1)
      const watchers = [await at.client('watcher'), await at.client('other', ['r'], false)]
      for (const watcher of watchers) await watcher.ask('presence.watch')
      const state = (index: number) => ({ state: { name: `User ${index}`, mood: 'x'.repeat(50) } })
      const timers = at.time.pending
      for (const round of range(1, 5)) {
        for (let i = 0; i < 3; i++) {
          all(clients, 'presence.set', state)
          all(clients.slice(0, 2_000 * round), 'presence.clear', () => ({}))
        }
        const { presence } = at.hub.metrics
        assert.deepEqual([presence.pending, presence.members], [CROWD, CROWD - 2_000 * round])
        assert.ok(at.time.pending <= timers + 1, 'a timer for all of them, not for each')
        at.time.advance(50)
        for (const watcher of watchers) assert.equal(Object.keys(watcher.view()).length, CROWD - 2_000 * round)
      }
      assert.equal(at.hub.metrics.presence.pending, 0)
      await at.hub.close()
    },
  )

  test('whose connections are all lost are away for the grace and then gone', { timeout: 60_000 }, async () => {
    const at = new Scene({ limits: { maxConnections: 50_000, hardLimit: 256 * MIBIBYTE } })
    const watcher = await at.client('watcher')
    await watcher.ask('presence.watch')
    const before = await crowd(at, 1)
    all(before, 'presence.set', () => ({ state: 1 }))
    at.time.advance(50)
    for (const client of before) client.lose()
    const after = await crowd(at, CROWD + 1)
    all(after, 'presence.set', () => ({ state: 2 }))
    at.time.advance(50)
    assert.deepEqual([at.hub.metrics.presence.members, at.hub.metrics.presence.away], [2 * CROWD, CROWD])
    at.time.advance(5_000)
    assert.deepEqual([at.hub.metrics.presence.members, at.hub.metrics.presence.away], [CROWD, 0])
    const members = Object.keys(watcher.view())
    assert.equal(members.length, CROWD)
    assert.ok(members.every((member) => Number(member.slice('user '.length)) > CROWD))
    await at.hub.close()
  })
})
