import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Listener, Publisher, textOf } from '../support/load.ts'
import { type SpawnedServer, spawnServer } from '../support/spawn_server.ts'
import { type Sqld, startSqld } from '../support/sqld.ts'
import { range } from '../support/test_hub.ts'
import { WireClient } from '../support/wire_client.ts'

interface HistoryPage {
  readonly messages: { readonly seq: number }[]
  readonly head: number
}

describe('two instances on one database, without a broker', () => {
  let sqld: Sqld
  let one: SpawnedServer
  let other: SpawnedServer

  before(async () => {
    sqld = await startSqld()
    const database = `http://${sqld.host}`
    ;[one, other] = await Promise.all([spawnServer({ database }), spawnServer({ database, host: 'deno' })])
  })

  after(async () => {
    await Promise.all([one.stop('SIGKILL'), other.stop('SIGKILL')])
    await sqld.stop()
  })

  async function publish(server: SpawnedServer, room: string, text: string, key = text): Promise<number> {
    const client = await WireClient.open(server.port)
    client.send({ type: 'chat.message', room, ref: text, key, payload: { user: 'Ana', text } })
    const { payload } = await client.next({ type: 'ack', ref: text })
    await client.close()
    return (payload as { seq: number }).seq
  }

  test('N1 what the other wrote is in the next page read, and comes with the next commit or join, in order', async () => {
    const listener = await Listener.join(one.port, 'africa')
    assert.equal(await publish(one, 'africa', 'first'), 1)
    await listener.upTo(1)
    for (const seq of [2, 3, 4]) assert.equal(await publish(other, 'africa', `there ${seq}`), seq)

    const page = await (await fetch(`${one.url}/rooms/africa/history`)).json() as HistoryPage
    assert.deepEqual([page.head, page.messages.map(({ seq }) => seq)], [4, [4, 3, 2, 1]])
    assert.equal(await publish(one, 'africa', 'here 5'), 5)
    await listener.upTo(5)

    // Whoever joins and asks for messages makes the instance look, for the others too.
    assert.equal(await publish(other, 'africa', 'there 6'), 6)
    await Listener.join(one.port, 'africa', { last: 1 })
    const received = await listener.upTo(6)
    assert.deepEqual(received.map(textOf), ['first', 'there 2', 'there 3', 'there 4', 'here 5', 'there 6'])
    assert.deepEqual(received.map(({ seq }) => seq), range(1, 6))
  })

  test('N1 I4 a cursor of one instance is good at the other', async () => {
    const listener = await Listener.join(one.port, 'moving')
    for (const seq of [1, 2]) await publish(one, 'moving', `message ${seq}`)
    await listener.upTo(2)
    const welcome = await listener.client.next({ type: 'session.welcome' })
    await listener.client.close()
    await publish(one, 'moving', 'message 3')
    const since = { epoch: (welcome.payload as { epoch: string }).epoch, seq: 2 }
    const moved = await Listener.join(other.port, 'moving', { since })
    assert.deepEqual((await moved.upTo(3)).map(textOf), ['message 3'])
  })

  test('N1 I3 a retry through the other instance gets the first one’s place', async () => {
    assert.equal(await publish(one, 'retried', 'a', 'key'), 1)
    assert.equal(await publish(other, 'retried', 'b', 'key'), 1)
    assert.equal(await publish(other, 'retried', 'c'), 2)
  })

  test('N1 I2 I4 both written at once: members of either see every message once and in one order', async () => {
    const servers = [one, other]
    const listeners = await Promise.all(servers.map(({ port }) => Listener.join(port, 'busy')))
    const publishers = await Promise.all(servers.map(({ port }, i) => Publisher.start(port, 'busy', `instance ${i}`)))
    await Promise.all(publishers.map((publisher) => publisher.until(({ acked }) => acked.length >= 300)))
    await Promise.all(publishers.map((publisher) => publisher.stop()))
    const count = publishers.flatMap(({ acked }) => acked).length
    // The last commit of each brings what the other wrote before it.
    for (const server of servers) await publish(server, 'busy', `end of ${server.port}`)
    const logs = [await listeners[0]!.upTo(count + 1), await listeners[1]!.upTo(count + 2)]
    for (const log of logs) assert.deepEqual(log.map(({ seq }) => seq), range(1, log.length))
    assert.deepEqual(logs[0]!.map(textOf), logs[1]!.map(textOf).slice(0, logs[0]!.length))
    const texts = new Map(logs[1]!.map((message) => [message.seq, textOf(message)]))
    for (const { acked } of publishers) for (const { seq, text } of acked) assert.equal(texts.get(seq), text)
  })
})
