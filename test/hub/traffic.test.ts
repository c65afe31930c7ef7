import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SessionMetrics } from '../../src/mod.ts'
import { memoryStore } from '../../src/storage/memory_store.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { Random } from '../support/random.ts'
import { note, type NotesHub, notesHub } from '../support/test_hub.ts'

const ROOMS = ['r', 's', 'presence-p']
const STEPS = 600

/** What sessions say of themselves, together. */
function together(sessions: readonly { readonly metrics: SessionMetrics }[]): SessionMetrics {
  const sum = { framesIn: 0, messagesIn: 0, bytesIn: 0, framesOut: 0, messagesOut: 0, bytesOut: 0 }
  for (const { metrics } of sessions) {
    for (const name of Object.keys(sum) as (keyof SessionMetrics)[]) sum[name] += metrics[name]
  }
  return sum
}

/** Frames, envelopes and bytes that reached a client. */
function reached({ frames }: MemoryPeer): { frames: number; messages: number; bytes: number } {
  const messages = frames.flatMap((frame) => JSON.parse(frame as string) as unknown[]).length
  return {
    frames: frames.length,
    messages,
    bytes: frames.reduce((sum, frame) => sum + new Blob([frame as string]).size, 0),
  }
}

async function settled(hub: NotesHub, peers: readonly MemoryPeer[]): Promise<void> {
  for (const [i, peer] of peers.entries()) {
    peer.say({ type: 'note', room: 'r', payload: { text: 'last' }, ref: `last ${i}` })
    await peer.next('ack', `last ${i}`)
  }
  while (hub.metrics.presence.pending > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

for (const native of [true, false]) {
  describe(`traffic is counted as it passes, ${native ? 'with native topics' : 'in a loop'}`, () => {
    test('the hub has counted what its sessions have, and they what clients got, whoever comes, goes and falls behind', async () => {
      const hub = notesHub(memoryStore(), { highWaterMark: 1_024, maxErrors: 10_000 })
      const host = new MemoryHost({ native })
      const random = new Random(7)
      hub.onOpen((session) => session.grant('*', 'write'))
      const peers = Array.from({ length: 6 }, () => connectPeer(hub, host))
      const steps: ((peer: MemoryPeer, room: string) => void)[] = [
        (peer, room) => peer.say({ type: 'room.join', room, payload: { last: random.whole(0, 5) } }),
        (peer, room) => peer.say({ type: 'room.leave', room }),
        (peer, room) => peer.say(note(random.text(40), { room })),
        (peer, room) => peer.say({ type: 'typing', room, payload: { user: random.text(9) } }),
        (peer, room) => peer.say({ type: random.pick(['presence.watch', 'presence.unwatch', 'presence.set']), room }),
        (peer) => peer.say({ type: 'nonsense' }),
        (peer) => peer.stalled ? peer.drain() : peer.stalled = true,
        (_, room) => hub.room(room).broadcast('typing', { user: 'all' }, { except: random.pick(hub.sessions) }),
        () => hub.broadcastText('[]'),
      ]
      for (let step = 0; step < STEPS; step++) {
        random.pick(steps)(random.pick(peers), random.pick(ROOMS))
        if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, 0))
        assert.deepEqual(hub.metrics.traffic, together(hub.sessions), `after step ${step}`)
      }
      for (const peer of peers) if (peer.stalled) peer.drain()
      await settled(hub, peers)
      assert.ok(hub.metrics.fellBehind + hub.metrics.catchUps > 0)
      for (const peer of peers) {
        const { framesOut, messagesOut, bytesOut } = hub.session(peer.connection.id)!.metrics
        // A broadcast text is one message to who counts, and none to who parses it: `[]`.
        const texts = peer.frames.filter((frame) => frame === '[]').length
        const { frames, messages, bytes } = reached(peer)
        assert.deepEqual({ framesOut, messagesOut, bytesOut }, {
          framesOut: frames,
          messagesOut: messages + texts,
          bytesOut: bytes,
        })
      }

      const before = hub.metrics.traffic
      for (const peer of peers) peer.close(1000, '')
      await Promise.resolve()
      assert.deepEqual([hub.sessionCount, hub.metrics.traffic], [0, before], 'who has gone is still counted')
      await hub.close()
    })
  })
}
