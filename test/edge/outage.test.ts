import assert from 'node:assert/strict'
import test from 'node:test'
import { libsqlStore } from '../../adapters/libsql/web.ts'
import { startEdge } from '../support/edge_server.ts'
import { Listener, Publisher, textOf } from '../support/load.ts'
import { startLossyProxy } from '../support/lossy_proxy.ts'
import { type Sqld, startSqld } from '../support/sqld.ts'
import { range } from '../support/test_hub.ts'

const ROOM = 'africa'

/** What is in the log, read past the server. */
async function logOf(sqld: Sqld): Promise<{ seq: number; id: string; text: string }[]> {
  const store = await libsqlStore({ url: `http://${sqld.host}` })
  try {
    const messages = await store.replayRoom(ROOM, 0, 1_000_000)
    return messages.map(({ seq, id, payload }) => ({ seq, id, text: textOf({ payload: JSON.parse(String(payload)) }) }))
  } finally {
    await store.close()
  }
}

/** Everything acknowledged is in the log, once and where the ack said; members old and new are given just that. */
async function assertWhole(sqld: Sqld, port: number, publishers: Publisher[], early: Listener): Promise<void> {
  for (const { errors } of publishers) {
    for (const { code, retryable } of errors) assert.deepEqual([code, retryable], ['store_unavailable', true])
  }
  const log = await logOf(sqld)
  const acked = publishers.flatMap((one) => one.acked)
  assert.deepEqual(log.map(({ seq }) => seq), range(1, acked.length))
  assert.deepEqual(log.map(({ id }) => id), log.map(({ id }) => id).sort())
  assert.deepEqual(acked.sort((a, b) => a.seq - b.seq).map(({ seq, id, text }) => ({ seq, id, text })), log)
  const late = await Listener.join(port, ROOM, { last: 10_000 })
  for (const listener of [early, late]) {
    const received = await listener.upTo(log.length)
    assert.deepEqual(received.map((message) => ({ seq: message.seq, id: message.id, text: textOf(message) })), log)
  }
}

test('I1 I2 I3 I4 the database is killed and comes back under load: nothing is lost, doubled or out of order', async () => {
  const sqld = await startSqld()
  const server = await startEdge({ TURSO_DATABASE_URL: `http://${sqld.host}` })
  try {
    const early = await Listener.join(server.port, ROOM)
    const names = ['ana', 'ben', 'eva']
    const publishers = await Promise.all(names.map((name) => Publisher.start(server.port, ROOM, name)))
    for (const round of [1, 2, 3]) {
      await Promise.all(publishers.map((one) => one.until(({ acked }) => acked.length >= round * 100)))
      await sqld.kill()
      const before = publishers.map(({ errors }) => errors.length)
      await Promise.all(publishers.map((one, i) => one.until(({ errors }) => errors.length >= before[i]! + 16)))
      // What is not stored does not wait for the database, and who asks for the log is told to come again.
      const told = publishers.map(({ acked }) => acked.length)
      early.client.send({ type: 'chat.typing', room: ROOM, ref: `typing ${round}`, payload: { user: 'Eva' } })
      await early.client.next({ type: 'ack', ref: `typing ${round}` })
      const history = await fetch(`http://127.0.0.1:${server.port}/rooms/${ROOM}/history`)
      assert.equal(history.status, 503)
      assert.equal((await history.json() as { payload: { code: string } }).payload.code, 'store_unavailable')
      assert.deepEqual(publishers.map(({ acked }) => acked.length), told)
      await sqld.start()
    }
    await Promise.all(publishers.map((one) => one.until(({ acked }) => acked.length >= 400)))
    await Promise.all(publishers.map((one) => one.stop()))

    await assertWhole(sqld, server.port, publishers, early)
  } finally {
    server.kill('SIGKILL')
    await server.ended
    await sqld.stop()
  }
})

test('I3 I4 the database stores and its answers are lost: retries are the same messages, members miss none', async () => {
  const sqld = await startSqld()
  const proxy = await startLossyProxy(sqld.host)
  const server = await startEdge({ TURSO_DATABASE_URL: `http://${proxy.host}` })
  try {
    const early = await Listener.join(server.port, ROOM)
    const names = ['ana', 'ben']
    const publishers = await Promise.all(names.map((name) => Publisher.start(server.port, ROOM, name)))
    for (const round of [1, 2, 3]) {
      await Promise.all(publishers.map((one) => one.until(({ acked }) => acked.length >= round * 50)))
      const before = publishers.map(({ errors }) => errors.length)
      proxy.lose(true)
      await Promise.all(publishers.map((one, i) => one.until(({ errors }) => errors.length >= before[i]! + 16)))
      proxy.lose(false)
    }
    await Promise.all(publishers.map((one) => one.until(({ acked }) => acked.length >= 200)))
    await Promise.all(publishers.map((one) => one.stop()))
    assert.ok(proxy.lost() > 3)
    await assertWhole(sqld, server.port, publishers, early)
  } finally {
    server.kill('SIGKILL')
    await server.ended
    await proxy.stop()
    await sqld.stop()
  }
})
