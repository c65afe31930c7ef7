import assert from 'node:assert/strict'
import test from 'node:test'
import { answer, createClient } from '../../src/client/mod.ts'
import { defineProtocol, type Envelope, RotundaError, rpc, type StandardSchema } from '../../src/mod.ts'
import { fakeWebSocket } from '../support/fake_socket.ts'
import { fixture } from '../support/hosts/fixture_protocol.ts'
import { reached } from '../support/with_client.ts'
import { type FixtureClient, type HubFixture, sessionOf, withHub } from '../support/with_hub.ts'

const failsWith = (code: string, message = /./) => (error: unknown) =>
  error instanceof RotundaError && error.code === code && message.test(error.message)

/** What asks a client, as the server. */
async function asking({ hub }: HubFixture, client: FixtureClient) {
  const session = hub.session(await sessionOf(client))!
  return (timeout = 20_000) => session.request('call.offer', { from: 'Ada' }, { timeout })
}

test('P3 the server asks a client, and gets what its handler gives, at once or later', () =>
  withHub({}, async (fixture) => {
    const client = fixture.connect()
    const seen: unknown[] = []
    let end = answer(client, 'call.offer', ({ from }, { type }) => {
      seen.push(from, type)
      return { accepted: true }
    })
    const ask = await asking(fixture, client)
    assert.deepEqual(await ask(), { accepted: true })
    assert.deepEqual(seen, ['Ada', 'call.offer'])
    end()
    end = answer(client, 'call.offer', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return { accepted: false }
    })
    assert.deepEqual(await ask(), { accepted: false })
    end()
    await assert.rejects(ask(), failsWith('not_found', /call\.offer/))
  }))

test('P3 a client that answers nothing says not_found at once, also without importing what answers', () =>
  withHub({}, async (fixture) => {
    const ask = await asking(fixture, fixture.connect())
    await assert.rejects(ask(), failsWith('not_found', /call\.offer/))
  }))

test('P3 what a handler throws is internal and stays here; a RotundaError is told as it is', () =>
  withHub({}, async (fixture) => {
    const client = fixture.connect()
    const told: unknown[] = []
    client.onError((error, about) => told.push([error.code, error.cause, about.type]))
    let thrown: unknown = new TypeError('the password is 1234')
    answer(client, 'call.offer', () => {
      throw thrown
    })
    const ask = await asking(fixture, client)
    await assert.rejects(ask(), failsWith('internal', /^(?!.*1234)/))
    const expected = [['internal', thrown, 'call.offer']]
    assert.deepEqual(told, expected)
    thrown = new RotundaError('forbidden', 'Busy.')
    await assert.rejects(ask(), failsWith('forbidden', /^Busy\.$/))
    assert.deepEqual(told, expected)
  }))

test('P3 an error whose message is too long for a frame is told all the same', () =>
  withHub({}, async (fixture) => {
    const client = fixture.connect()
    answer(client, 'call.offer', () => {
      throw new RotundaError('forbidden', 'x'.repeat(100_000))
    })
    const ask = await asking(fixture, client)
    await assert.rejects(ask(), failsWith('forbidden', /^x{1000}$/))
  }))

test('P3 a handler that never ends makes the server time out, and its late answer harms nobody', () =>
  withHub({}, async (fixture) => {
    const client = fixture.connect()
    let over = (_: { accepted: boolean }) => {}
    let handler = () => new Promise<{ accepted: boolean }>((resolve) => over = resolve)
    answer(client, 'call.offer', () => handler())
    const ask = await asking(fixture, client)
    await assert.rejects(ask(20), failsWith('timeout'))
    over({ accepted: true })
    handler = () => Promise.resolve({ accepted: false })
    assert.deepEqual(await ask(), { accepted: false })
  }))

test('P3 the server gives up a request that it aborts, and the answer that comes all the same harms nobody', () =>
  withHub({}, async (fixture) => {
    const client = fixture.connect()
    let over = (_: { accepted: boolean }) => {}
    let asked = () => {}
    answer(client, 'call.offer', () => {
      asked()
      return new Promise((resolve) => over = resolve)
    })
    const session = fixture.hub.session(await sessionOf(client))!
    const abort = new AbortController()
    let arrived = new Promise<void>((resolve) => asked = resolve)
    const aborted = session.request('call.offer', { from: 'Ada' }, { signal: abort.signal })
    await arrived
    abort.abort('enough')
    await assert.rejects(aborted, (error) => failsWith('aborted')(error) && (error as Error).cause === 'enough')
    over({ accepted: true })
    arrived = new Promise<void>((resolve) => asked = resolve)
    const next = session.request('call.offer', { from: 'Bea' })
    await arrived
    over({ accepted: false })
    assert.deepEqual(await next, { accepted: false })
  }))

test('P3 after a reconnect it goes on, and an answer to the old connection is not sent over the new one', () =>
  withHub({}, async (fixture) => {
    const { hub, connect } = fixture
    const client = connect()
    const answers: ((reply: { accepted: boolean }) => void)[] = []
    let asked = () => {}
    answer(client, 'call.offer', () => {
      asked()
      return new Promise((resolve) => answers.push(resolve))
    })
    const first = hub.session(await sessionOf(client))!
    const arrived = () => new Promise<void>((resolve) => asked = resolve)
    const lost = assert.rejects(first.request('call.offer', { from: 'Ada' }), failsWith('disconnected'))
    await arrived()
    const again = sessionOf(client)
    first.close(4000)
    await lost
    const second = hub.session(await again)!
    const reply = second.request('call.offer', { from: 'Bea' })
    await arrived()
    // Both sessions count from one: this would answer the second request.
    answers[0]!({ accepted: true })
    answers[1]!({ accepted: false })
    assert.deepEqual(await reply, { accepted: false })
  }))

test('P3 a request of the server is none of our answers, although both count from one', async () => {
  const { WebSocket, sockets } = fakeWebSocket()
  const client = createClient({ url: 'ws://localhost/', protocol: fixture, WebSocket })
  try {
    const asked = client.request('chat.stats', {})
    const socket = sockets[0]!
    socket.welcome()
    await reached(client, 'open')
    await Promise.resolve()
    const { ref } = socket.find('chat.stats')!
    socket.receive({ type: 'call.offer', kind: 'request', ref: ref!, payload: { members: 7 } })
    socket.receive({ type: 'chat.stats', kind: 'reply', ref: ref!, payload: { members: 8 } })
    assert.deepEqual(await asked, { members: 8 })
    assert.equal(socket.find('error')?.ref, ref)
  } finally {
    client.close()
  }
})

test('P3 a type is answered once, and only a request of the contract', () => {
  const { WebSocket } = fakeWebSocket()
  const client = createClient({ url: 'ws://localhost/', protocol: fixture, WebSocket })
  try {
    answer(client, 'call.offer', () => ({ accepted: true }))
    assert.throws(() => answer(client, 'call.offer', () => ({ accepted: true })), failsWith('invalid_config'))
    assert.throws(() => answer(client, 'chat.message' as 'call.offer', () => ({ accepted: true })), {
      code: 'invalid_config',
    })
    assert.throws(() => answer(client, 'constructor' as 'call.offer', () => ({ accepted: true })), {
      code: 'invalid_config',
    })
  } finally {
    client.close()
  }
})

const schema = <T>(fits: (value: unknown) => boolean): StandardSchema<T> => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => fits(value) ? { value: value as T } : { issues: [{ message: 'does not fit' }] },
  },
})
/** Asked with a number, answered with anything. */
const asks = defineProtocol({ ask: rpc(schema<number>((v) => typeof v === 'number'), schema((v) => v !== 'wrong')) })

/** What a client that would give `reply` says to a request with `payload`, and what it was told itself. */
async function replyTo(payload: unknown, reply: unknown) {
  const { WebSocket, sockets } = fakeWebSocket()
  const client = createClient({ url: 'ws://localhost/', protocol: asks, WebSocket })
  const errors: string[] = []
  client.onError(({ code }) => errors.push(code))
  answer(client, 'ask', () => reply)
  const socket = sockets[0]!
  socket.welcome({ maxMessageSize: 300 })
  await reached(client, 'open')
  socket.receive({ type: 'ask', kind: 'request', ref: '1', payload })
  while (socket.envelopes.length === 0) await new Promise((resolve) => setTimeout(resolve))
  client.close()
  return { envelopes: socket.envelopes, errors }
}

test('P3 a reply names its request', async () => {
  const { envelopes, errors } = await replyTo(1, { fine: true })
  assert.deepEqual(envelopes, [{ type: 'ask', kind: 'reply', ref: '1', payload: { fine: true } }])
  assert.deepEqual(errors, [])
  const bytes = await replyTo(1, new Uint8Array([1, 2, 3]))
  assert.deepEqual(bytes.envelopes, [{ type: 'ask', kind: 'reply', ref: '1', encoding: 'base64', payload: 'AQID' }])
})

const WRONG: [what: string, payload: unknown, reply: unknown, code: string, told: string[]][] = [
  ['a request that does not fit the contract', 'no number', 1, 'invalid_payload', []],
  ['a reply that does not fit the contract', 1, 'wrong', 'internal', ['internal']],
  ['a reply that JSON cannot say', 1, 1n, 'internal', ['internal']],
  ['a reply that no frame can hold', 1, 'x'.repeat(500), 'message_too_big', []],
]
for (const [what, payload, reply, code, told] of WRONG) {
  test(`P3 ${what} is answered with ${code}`, async () => {
    const { envelopes: [{ payload: error, ...envelope }], errors } = await replyTo(payload, reply) as {
      envelopes: [Envelope]
      errors: string[]
    }
    assert.deepEqual(envelope, { type: 'error', kind: 'reply', ref: '1' })
    assert.equal((error as { code: string }).code, code)
    assert.deepEqual(errors, told)
  })
}
