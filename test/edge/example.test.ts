import assert from 'node:assert/strict'
import test from 'node:test'
import { startEdge } from '../support/edge_server.ts'
import { startSqld } from '../support/sqld.ts'
import { WireClient } from '../support/wire_client.ts'

interface HistoryPage {
  readonly messages: { readonly seq: number; readonly payload: { readonly text: string } }[]
  readonly head: number
}

async function publish(client: WireClient, ref: string): Promise<number> {
  client.send({ type: 'chat.message', room: 'africa', ref, key: ref, payload: { user: 'Ana', text: ref } })
  const { payload } = await client.next({ type: 'ack', ref })
  return (payload as { seq: number }).seq
}

test('H4 the Deno example runs with the network and the environment alone: live, history, resume after a restart', async () => {
  const sqld = await startSqld()
  const env = { TURSO_DATABASE_URL: `http://${sqld.host}` }
  const first = await startEdge(env)
  try {
    const ana = await WireClient.open(first.port)
    const ben = await WireClient.open(first.port)
    ben.send({ type: 'room.join', room: 'africa', ref: 'join', payload: {} })
    const joined = await ben.next({ type: 'room.joined', ref: 'join' })
    const { epoch } = joined.payload as { epoch: string }
    for (const seq of [1, 2, 3]) assert.equal(await publish(ana, `message ${seq}`), seq)
    for (const seq of [1, 2, 3]) {
      const { payload } = await ben.next({ type: 'chat.message', seq })
      assert.deepEqual(payload, { user: 'Ana', text: `message ${seq}` })
    }
    // A name that a retry carries gets the first one's place.
    assert.equal(await publish(ana, 'message 2'), 2)
    ana.send({ type: 'chat.typing', room: 'africa', payload: { user: 'Ana' } })
    await ben.next({ type: 'chat.typing' })

    const response = await fetch(`http://127.0.0.1:${first.port}/rooms/africa/history?limit=2`)
    const page = await response.json() as HistoryPage
    assert.deepEqual(page.messages.map(({ seq, payload }) => [seq, payload.text]), [[3, 'message 3'], [2, 'message 2']])
    assert.equal(page.head, 3)

    // Deno Deploy sends SIGINT and gives five seconds.
    const asked = performance.now()
    first.kill('SIGINT')
    assert.equal((await ben.closed).code, 1001)
    assert.deepEqual(await first.ended, { code: 0, signal: null, stderr: '' })
    assert.ok(performance.now() - asked < 5000)

    const second = await startEdge(env)
    try {
      const again = await WireClient.open(second.port)
      const since = { epoch, seq: 1 }
      again.send({ type: 'room.join', room: 'africa', ref: 'resume', payload: { since } })
      const resumed = await again.next({ type: 'room.joined', ref: 'resume' })
      assert.deepEqual(resumed.payload, { head: 3, epoch, cursor: 1 })
      assert.equal(await publish(again, 'message 4'), 4)
      const seqs: unknown[] = []
      while (seqs.length < 3) seqs.push((await again.next({ type: 'chat.message' })).seq)
      assert.deepEqual(seqs, [2, 3, 4])
      await again.close()
    } finally {
      second.kill('SIGTERM')
    }
    assert.deepEqual(await second.ended, { code: 0, signal: null, stderr: '' })
  } finally {
    first.kill('SIGKILL')
    await sqld.stop()
  }
})
