import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { fileOutbox } from '../../adapters/file-outbox/mod.ts'
import { memoryOutbox, outbox, type OutboxEntry, type OutboxStore } from '../../src/client/kept_outbox/mod.ts'
import { outgoing } from '../../src/client/outgoing/mod.ts'
import { RotundaError } from '../../src/client/mod.ts'
import { freePort } from '../support/free_port.ts'
import { spawnServer } from '../support/spawn_server.ts'
import { type Tamper, tamperedWebSocket } from '../support/tampered_socket.ts'
import { tempDir } from '../support/temp_dir.ts'
import { once, range, says, Transcript, withClient } from '../support/with_client.ts'

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code
const NOWHERE = 'ws://127.0.0.1:1/ws'
const entry = (n: number): OutboxEntry => {
  return { room: 'africa', key: `left:${n}`, type: 'chat.message', payload: JSON.stringify(says(`left ${n}`)) }
}

test('C5 what a client could not send is sent by the next one, in order, before what that publishes', () =>
  withClient({}, async ({ connect }) => {
    const store = memoryOutbox()
    const first = connect({ url: NOWHERE, use: [outbox({ store })] })
    const calls = range(1, 50).map((n) => first.join('africa').publish('chat.message', says(`before ${n}`)))
    await new Promise((resolve) => setTimeout(resolve))
    first.close()
    for (const call of calls) await assert.rejects(call, failsWith('closed'))
    assert.equal((await store.load()).length, 50)

    const second = connect({ use: [outbox({ store })] })
    const room = second.join('africa', { last: 100 })
    const heard = new Transcript(room)
    const { seq } = await room.publish('chat.message', says('after'))
    assert.equal(seq, 51)
    await heard.has(51)
    assert.deepEqual(heard.texts, [...range(1, 50).map((n) => `before ${n}`), 'after'])
    assert.deepEqual(await store.load(), [])
  }))

test('C5 L5 what was stored and not acknowledged is not stored again', () =>
  withClient({}, async ({ connect }) => {
    const other = connect().join('africa')
    for (const n of range(1, 3)) await other.publish('chat.message', says(`left ${n}`), { key: `left:${n}` })
    const store = memoryOutbox()
    await store.put(range(1, 5).map(entry))
    const client = connect({ use: [outbox({ store })] })
    const room = client.join('africa', { last: 50 })
    const heard = new Transcript(room)
    await heard.has(5)
    assert.deepEqual(heard.texts, range(1, 5).map((n) => `left ${n}`))
    await room.publish('chat.message', says('end'))
    assert.deepEqual(await store.load(), [])
  }))

test('C5 the process is killed and the server away: a file has what is to be sent', async () => {
  const dir = await tempDir()
  const port = await freePort()
  const path = join(dir.path, 'outbox.jsonl')
  let store = fileOutbox(path)
  await withClient({}, async ({ connect }) => {
    const url = `ws://127.0.0.1:${port}/ws`
    const client = connect({ url, use: [outbox({ store })] })
    for (const n of range(1, 20)) client.join('africa').publish('chat.message', says(`${n}`)).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve))
    client.close()
    await store.close()
    store = fileOutbox(path)
    const server = await spawnServer({ port })
    try {
      const heard = new Transcript(connect({ url, use: [outbox({ store })] }).join('africa', { last: 50 }))
      await heard.has(20)
      assert.deepEqual(heard.texts, range(1, 20).map(String))
    } finally {
      await server.stop('SIGKILL')
    }
  })
  await store.close()
  await dir.remove()
})

test('C5 what is too much is refused by its publish alone, by number and by bytes', () =>
  withClient({}, async ({ connect }) => {
    const room = connect({ url: NOWHERE, use: [outbox({ store: memoryOutbox(), maxEntries: 2, maxBytes: 200 })] }).join(
      'r',
    )
    const pending = [room.publish('chat.message', says('1')), room.publish('chat.message', says('2'))]
    await assert.rejects(room.publish('chat.message', says('3')), failsWith('queue_full'))
    const other = connect({ url: NOWHERE, use: [outbox({ store: memoryOutbox(), maxBytes: 200 })] }).join('r')
    await assert.rejects(other.publish('chat.message', says('ä'.repeat(100))), failsWith('queue_full'))
    pending.push(other.publish('chat.message', says('ä'.repeat(50))))
    for (const call of pending) call.catch(() => {})
  }))

test('C5 what is acknowledged while the store is being read is not sent again', () =>
  withClient({}, async ({ connect }) => {
    const kept = memoryOutbox()
    let release = () => {}
    let loads = 0
    const load = async () => {
      const entries = await kept.load()
      if (++loads === 2) await new Promise<void>((resolve) => release = resolve)
      return entries
    }
    const tamper: Tamper = { sockets: [] }
    let sent = 0
    tamper.outgoing = (envelopes) => sent += envelopes.filter(({ key }) => key !== undefined).length
    const use = [outbox({ store: { ...kept, load } })]
    const client = connect({ use, autoConnect: false, WebSocket: tamperedWebSocket(tamper) })
    const calls = range(1, 5).map((n) => client.join('africa').publish('chat.message', says(`${n}`)))
    await new Promise((resolve) => setTimeout(resolve))
    client.connect()
    await Promise.all(calls)
    release()
    await client.join('africa').publish('chat.message', says('end'))
    assert.equal(sent, 6)
  }))

test('C5 a store that fails is told to onError, and what is published is sent all the same', () =>
  withClient({}, async ({ connect }) => {
    const broken = () => Promise.reject(new Error('The disk is full.'))
    const store: OutboxStore = { load: broken, put: broken, remove: broken }
    const client = connect({ use: [outbox({ store })] })
    const told: string[] = []
    client.onError(({ message }) => told.push(message))
    assert.equal((await client.join('africa').publish('chat.message', says('Hello!'))).seq, 1)
    assert.ok(told.length > 0 && told.every((message) => message.includes('The disk is full.')))
  }))

test('C5 what the server refuses of what was left is told to onError, and forgotten', () =>
  withClient({}, async ({ connect }) => {
    const store = memoryOutbox()
    await store.put([{ ...entry(1), payload: '{"user":1}' }, entry(2)])
    const client = connect({ use: [outbox({ store })] })
    const [error, about] = await once(client.onError.bind(client))
    assert.deepEqual([error.code, about.room, about.type], ['invalid_payload', 'africa', 'chat.message'])
    await client.join('africa').publish('chat.message', says('end'))
    assert.deepEqual(await store.load(), [])
  }))

test('C5 each publish is shown as queued, sent and durable, until the message itself arrives', () =>
  withClient({}, async ({ connect }) => {
    const mine = outgoing()
    const client = connect({ use: [mine, outbox({ store: memoryOutbox() })], autoConnect: false })
    const room = client.join('africa')
    const seen: string[] = []
    const shown = () => mine.entries.map(({ state, place }) => `${state} ${place?.seq ?? ''}`.trim())
    mine.onChange(({ state, payload }) => seen.push(`${(payload as { text: string }).text} ${state}`))
    const calls = range(1, 2).map((n) => room.publish('chat.message', says(`${n}`)))
    await once(mine.onChange.bind(mine), () => mine.entries.length === 2)
    assert.deepEqual(shown(), ['queued', 'queued'])
    client.connect()
    await Promise.all(calls)
    if (mine.entries.length > 0) await once(mine.onChange.bind(mine), () => mine.entries.length === 0)
    assert.deepEqual([...new Set(seen)], ['1 queued', '2 queued', '1 sent', '2 sent', '1 durable', '2 durable'])
    assert.deepEqual(mine.entries, [])
  }))

test('C5 a publish that is refused is shown as failed until it is dropped', () =>
  withClient({}, async ({ connect }) => {
    const mine = outgoing()
    const room = connect({ use: [mine] }).join('readonly-room')
    await assert.rejects(room.publish('chat.message', says('no')), failsWith('forbidden'))
    const [entry] = mine.entries
    assert.deepEqual([entry!.state, entry!.error!.code], ['failed', 'forbidden'])
    mine.drop(entry!)
    assert.deepEqual(mine.entries, [])
  }))
