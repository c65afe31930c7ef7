import { Buffer } from 'node:buffer'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientFrame, RawSocket } from '../support/raw_socket.ts'
import { WireClient } from '../support/wire_client.ts'
import { attack, RUNTIMES } from './attacked.ts'

/** Milliseconds from publish to delivery, of ten clients by turns. */
async function deliveries(clients: readonly WireClient[], rounds: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < rounds; i++) {
    const client = clients[i % clients.length]!
    const began = performance.now()
    client.send({ type: 'chat.message', room: 'calm', payload: { user: 'a', text: `${i}` } })
    await client.next({ type: 'chat.message', room: 'calm' })
    times.push(performance.now() - began)
    // The others have it, too.
    for (const other of clients) if (other !== client) await other.next({ type: 'chat.message', room: 'calm' })
  }
  return times
}

const p95 = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)]!

for (const host of RUNTIMES) {
  test(`${host}: 100 clients that flood, and are over their quota, leave ten others near their usual delivery times`, {
    timeout: 120_000,
  }, async () => {
    const quotas = [{ metric: 'messages', window: 1, limit: 100, action: 'terminate' }] as const
    await attack({ host, quotas }, { memory: 200 }, async ({ server }) => {
      const calm: WireClient[] = []
      for (let i = 0; i < 10; i++) {
        calm.push(await WireClient.open(server.port))
        calm[i]!.send({ type: 'room.join', room: 'calm', ref: 'j' })
        await calm[i]!.next({ ref: 'j' })
      }
      await deliveries(calm, 20)
      const quiet = p95(await deliveries(calm, 100))
      const publish = clientFrame(
        1,
        JSON.stringify({ type: 'chat.message', room: 'flood', payload: { user: 'f', text: 'x' } }),
      )
      const flood = Buffer.concat(Array(1_000).fill(publish))
      let stopped = false
      let ended = 0
      const flooders = Array.from({ length: 100 }, async () => {
        // Each comes back as soon as it was thrown out.
        while (!stopped) {
          const raw = await RawSocket.upgraded(server.port).catch(() => undefined)
          raw?.write(flood)
          await Promise.race([raw?.closed, new Promise((resolve) => setTimeout(resolve, 500))])
          raw?.destroy()
          ended += 1
          await new Promise((resolve) => setTimeout(resolve, 200))
        }
      })
      const busy = p95(await deliveries(calm, 100))
      stopped = true
      await Promise.all(flooders)
      assert.ok(ended >= 100, `${ended} flooders were thrown out`)
      // The flooders share two processors with all others here, so this tells a stall, not a slowdown.
      assert.ok(busy < Math.max(500, 50 * quiet), `p95 was ${quiet} ms and is ${busy} ms`)
      for (const client of calm) await client.close()
    })
  })
}
