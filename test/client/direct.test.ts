import assert from 'node:assert/strict'
import test from 'node:test'
import { flatbuffers } from '../../adapters/flatbuffers/mod.ts'
import { callOpcode } from '../../src/client/mod.ts'
import { RotundaError } from '../../src/mod.ts'
import { once } from '../support/with_client.ts'
import { type FixtureClient, sessionOf, withHub } from '../support/with_hub.ts'

const failsWith = (code: string) => (error: unknown) => error instanceof RotundaError && error.code === code
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const typing = (user: string) => ({ user })

/** The next `chat.typing` that comes outside of rooms. */
function nextTyping(client: FixtureClient) {
  return once((handler: (message: { payload: { user: string } }) => void) => client.on('chat.typing', handler))
}

for (const [name, codec] of [['JSON', undefined], ['FlatBuffers', flatbuffers]] as const) {
  test(`R2 S3 over ${name} a client sends to one session, and to everybody, as far as it may`, () =>
    withHub({ codecs: [flatbuffers] }, async ({ hub, connect }) => {
      const clients = [1, 2, 3].map(() => connect(codec ? { codec } : {}))
      const [sender, receiver, other] = clients
      const [from, to] = await Promise.all(clients.map(sessionOf))
      const refused = once(sender!.onError.bind(sender!))
      sender!.send('chat.typing', typing('nobody'), { to: to! })
      assert.equal((await refused)[0].code, 'forbidden')
      await assert.rejects(sender!.send('chat.typing', typing('x'), { to: '*', ack: true }), failsWith('forbidden'))

      hub.session(from!)!.grant('*', ['send', 'broadcast'])
      const elsewhere: string[] = []
      other!.on('chat.typing', ({ payload }) => elsewhere.push(payload.user))
      const one = nextTyping(receiver!)
      sender!.send('chat.typing', typing('Ada'), { to: to!, traceparent: TRACE })
      const [{ ts, ...message }] = await one as [Record<string, unknown>]
      assert.deepEqual(message, { type: 'chat.typing', to, from, traceparent: TRACE, payload: { user: 'Ada' } })
      assert.equal(typeof ts, 'number')

      const all = Promise.all(clients.map(nextTyping))
      sender!.send('chat.typing', typing('Bea'), { to: '*' })
      for (const [{ payload }] of await all) assert.equal(payload.user, 'Bea')
      assert.deepEqual(elsewhere, ['Bea'])
    }))
}

test('R2 with an ack the sender learns whether it arrived, and a durable event is not stored for that', () =>
  withHub({}, async ({ hub, connect }) => {
    const [sender, receiver] = [connect(), connect()]
    const [from, to] = await Promise.all([sender, receiver].map(sessionOf))
    hub.session(from!)!.grant('*', ['send'])
    const got = once((handler: (message: { payload: { text: string } }) => void) =>
      receiver.on('chat.message', handler)
    )
    await sender.send('chat.message', { user: 'Ada', text: 'psst' }, { to: to!, ack: true })
    assert.equal((await got)[0].payload.text, 'psst')
    await assert.rejects(
      sender.send('chat.typing', typing('x'), { to: 'nobody', ack: true, timeout: 20_000 }),
      failsWith('not_found'),
    )
    assert.throws(() => sender.send('chat.typing', typing(''), { to: to! }), failsWith('invalid_payload'))
    await assert.rejects(sender.send('chat.typing', typing(''), { to: to!, ack: true }), failsWith('invalid_payload'))
  }))

test('R2 an acknowledged send waits for a connection, can be aborted, and is never sent twice', () =>
  withHub({}, async ({ hub, connect }) => {
    const client = connect({ autoConnect: false })
    let heard = 0
    hub.on('chat.typing', () => void (heard += 1))
    const waiting = client.send('chat.typing', typing('Ada'), { ack: true })
    const abort = new AbortController()
    const aborted = client.send('chat.typing', typing('Bea'), { ack: true, signal: abort.signal })
    abort.abort()
    await assert.rejects(aborted, failsWith('aborted'))
    client.send('chat.typing', typing('dropped while there is no connection'))
    client.connect()
    await waiting
    assert.equal(heard, 1)
  }))

test('M3 a traceparent goes with a publish and a request, and comes with the live message', () =>
  withHub({}, async ({ hub, connect }) => {
    const seen: unknown[] = []
    hub.on('chat.stats', (ctx) => {
      seen.push(ctx.trace?.traceId)
      return { members: 1 }
    })
    const room = connect().join('africa')
    const got = once((handler: (message: { traceparent?: string }) => void) => room.on('chat.message', handler))
    await room.publish('chat.message', { user: 'Ada', text: 'Hello!' }, { traceparent: TRACE })
    assert.equal((await got)[0].traceparent, TRACE)
    const typed = once((handler: (message: object) => void) => room.on('chat.typing', handler))
    room.publish('chat.typing', typing('Ada'))
    assert.equal('traceparent' in (await typed)[0], false)
    await room.request('chat.stats', {}, { traceparent: TRACE })
    assert.deepEqual(seen, ['4bf92f3577b34da6a3ce929d0e0e4736'])
  }))

for (const [name, codec] of [['JSON', undefined], ['FlatBuffers', flatbuffers]] as const) {
  test(`P6 over ${name} a custom opcode is asked with bytes and answers bytes`, () =>
    withHub({ codecs: [flatbuffers] }, async ({ hub, connect }) => {
      hub.onOpcode(200, (_ctx, body) => body.toReversed())
      hub.onOpcode(201, () => {})
      const client = connect(codec ? { codec } : {})
      assert.deepEqual(await callOpcode(client, 200, new Uint8Array([1, 2, 255])), new Uint8Array([255, 2, 1]))
      assert.deepEqual(await callOpcode(client, 201, new Uint8Array([1])), new Uint8Array(0))
      await assert.rejects(callOpcode(client, 202, new Uint8Array(0)), failsWith('unknown_type'))
    }))
}
