import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, defineProtocol, event, memoryStore, RotundaError, rpc } from '../../src/mod.ts'
import { z } from 'zod'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notesHub, range } from '../support/test_hub.ts'

const codeOf = (envelope: { payload: unknown }) => (envelope.payload as { code: string }).code

function setUp(limits = {}) {
  const hub = notesHub(memoryStore(), limits)
  const host = new MemoryHost({ native: true })
  return { hub, peer: connectPeer(hub, host), host }
}

describe('handlers', () => {
  test('S2: the order of a frame is raw handler, then typed handler', async () => {
    const { hub, peer } = setUp()
    const order: string[] = []
    hub.onMessage((_session, frame) => void order.push(`raw ${String(frame).length > 0}`))
    hub.on('typing', (ctx, payload) => {
      order.push(`typed ${payload.user}`)
      ctx.publish(payload)
    })
    peer.say({ type: 'typing', room: 'r', ref: '1', payload: { user: 'u' } })
    await peer.next('ack', '1')
    assert.deepEqual(order, ['raw true', 'typed u'])
    await hub.close()
  })

  test('S2: a raw handler can take a frame, also later', async () => {
    const { hub, peer } = setUp()
    hub.onMessage(async (session, frame) => {
      await Promise.resolve()
      if (frame !== 'echo me') return undefined
      session.sendText('{"type":"echoed","payload":{}}')
      return 'handled'
    })
    peer.connection.receive('echo me')
    await peer.next('echoed')
    peer.say({ type: 'session.ping', ref: '1' })
    await peer.next('session.pong', '1')
    assert.ok(!peer.received.some(({ type }) => type === 'error'))
    await hub.close()
  })

  test('frames of one session are handled in order while a handler is awaited; other sessions do not wait', async () => {
    const { hub, peer, host } = setUp()
    const other = connectPeer(hub, host)
    let release = () => {}
    const order: string[] = []
    hub.on('note', async (ctx, payload) => {
      order.push(`begin ${payload.text}`)
      if (payload.text === '1') await new Promise<void>((resolve) => release = resolve)
      order.push(`end ${payload.text}`)
      return ctx.publish(payload)
    })
    peer.say(note('1', { ref: '1' }))
    peer.say(note('2', { ref: '2' }))
    other.say(note('other', { ref: '1' }))
    await other.next('ack', '1')
    assert.deepEqual(order, ['begin 1', 'begin other', 'end other'])
    release()
    await peer.next('ack', '2')
    assert.deepEqual(order.slice(3), ['end 1', 'begin 2', 'end 2'])
    await hub.close()
  })

  test('I5: the inbound queue is bounded and every refused envelope is answered', async () => {
    const { hub, peer } = setUp({ maxInboundQueue: 5 })
    let release = () => {}
    hub.on('note', async (ctx, payload) => {
      if (payload.text === '1') await new Promise<void>((resolve) => release = resolve)
      return ctx.publish(payload)
    })
    for (const i of range(1, 10)) peer.say(note(`${i}`, { ref: `${i}` }))
    for (const ref of ['7', '8', '9', '10']) assert.equal(codeOf(await peer.next('error', ref)), 'inbound_overflow')
    release()
    for (const i of range(1, 6)) await peer.next('ack', `${i}`)
    await hub.close()
  })

  test('a handler replaces the default: it may change, refuse or publish more', async () => {
    const { hub, peer } = setUp()
    hub.on('note', async (ctx, payload) => {
      if (payload.text === 'refuse') throw new RotundaError('not_stored', 'No thanks.')
      if (payload.text === 'swallow') return
      if (payload.text === 'crash') throw new TypeError('secret detail')
      await ctx.publish({ text: payload.text.toUpperCase() })
      await ctx.publish({ text: 'and more' })
    })
    const reported: unknown[] = []
    hub.onError((error, session) => reported.push([String(error), session?.id]))
    peer.say({ type: 'room.join', room: 'r', ref: 'j', payload: {} })
    peer.say(note('hi', { ref: '1', key: 'k' }))
    assert.equal(((await peer.next('ack', '1')).payload as { seq: number }).seq, 1)
    peer.say(note('hi', { ref: '2', key: 'k' }))
    assert.equal(((await peer.next('ack', '2')).payload as { seq: number }).seq, 1)
    for (const [text, code] of [['refuse', 'not_stored'], ['swallow', 'not_stored'], ['crash', 'internal']] as const) {
      peer.say(note(text, { ref: text }))
      assert.equal(codeOf(await peer.next('error', text)), code)
    }
    assert.ok(!JSON.stringify(peer.received).includes('secret detail'))
    assert.deepEqual(reported, [['TypeError: secret detail', peer.connection.id]])
    const { messages } = await hub.room('r').history()
    assert.deepEqual(messages.map(({ payload }) => payload), ['{"text":"and more"}', '{"text":"HI"}'])
    assert.deepEqual(peer.seqs('r'), [1, 2])
    await hub.close()
  })

  test("a request is answered by its handler; a wrong reply is the server's fault and told without detail", async () => {
    const { hub, peer } = setUp()
    hub.onError(() => {})
    peer.say({ type: 'note.count', room: 'r', ref: '0', payload: {} })
    assert.equal(codeOf(await peer.next('error', '0')), 'not_found')
    let reply: unknown = { count: 3 }
    hub.on('note.count', async () => reply as { count: number })
    peer.say({ type: 'note.count', room: 'r', ref: '1', payload: {} })
    const answer = await peer.next('note.count', '1')
    assert.deepEqual([answer.kind, answer.payload], ['reply', { count: 3 }])
    reply = { count: 'three' }
    peer.say({ type: 'note.count', room: 'r', ref: '2', payload: {} })
    assert.equal(codeOf(await peer.next('error', '2')), 'internal')
    peer.say({ type: 'note.count', room: 'r', payload: {} })
    assert.equal(codeOf(await peer.next('error')), 'not_found')
    await hub.close()
  })

  test('asynchronous validators work and keep the order', async () => {
    const slow = z.object({ text: z.string().refine(async (text) => await Promise.resolve(text !== 'bad')) })
    const hub = createHub({ protocol: defineProtocol({ slow: event(slow), quick: event(z.object({})) }) })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say([
      { type: 'slow', room: 'r', ref: '1', payload: { text: 'a' } },
      { type: 'quick', room: 'r', ref: '2', payload: {} },
      { type: 'slow', room: 'r', ref: '3', payload: { text: 'bad' } },
    ])
    assert.equal(((await peer.next('ack', '1')).payload as { seq: number }).seq, 1)
    assert.equal(((await peer.next('ack', '2')).payload as { seq: number }).seq, 2)
    assert.equal(codeOf(await peer.next('error', '3')), 'invalid_payload')
    await hub.close()
  })

  test('open handlers come before the first frame, and one that throws closes the session', async () => {
    const hub = notesHub(memoryStore())
    const order: string[] = []
    let fail = false
    hub.onOpen(async (session) => {
      assert.equal(session.state, 'connecting')
      await Promise.resolve()
      if (fail) throw new Error('secret')
      order.push('opened')
    })
    hub.onMessage(() => void order.push('frame'))
    hub.onError(() => {})
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'session.ping', ref: '1' })
    await peer.next('session.pong', '1')
    assert.deepEqual(order, ['opened', 'frame'])
    assert.equal(hub.session(peer.connection.id)?.state, 'open')
    fail = true
    const refused = connectPeer(hub, new MemoryHost({ native: true }))
    await refused.until(() => refused.closedWith !== undefined)
    assert.equal(refused.closedWith?.code, 1011)
    assert.ok(!JSON.stringify(refused.received).includes('secret'))
    await hub.close()
  })

  test('a handler is registered once per type and only for types of the contract', async () => {
    const { hub } = setUp()
    const remove = hub.on('note', () => {})
    assert.throws(() => hub.on('note', () => {}), { code: 'invalid_config' })
    remove()
    hub.on('note', () => {})
    // @ts-expect-error -- the name is not in the contract
    assert.throws(() => hub.on('nope', () => {}), { code: 'unknown_type' })
    // @ts-expect-error -- the reply's type is wrong
    const wrong = () => hub.on('note.count', () => ({ count: 'three' }))
    assert.equal(typeof wrong, 'function')
    await hub.close()
  })

  test('when a session ends while its frame is handled, what waits behind that frame is dropped and nothing more is sent', async () => {
    const { hub, peer } = setUp()
    let release = () => {}
    hub.on('note', async (ctx, payload) => {
      await new Promise<void>((resolve) => release = resolve)
      return ctx.publish(payload)
    })
    peer.say(note('1', { ref: '1' }))
    peer.say(note('2', { ref: '2' }))
    peer.connection.closed(1006, '')
    const before = peer.frames.length
    release()
    await hub.room('r').publish('note', { text: 'from elsewhere' })
    const { messages } = await hub.room('r').history()
    await hub.close()
    assert.equal(peer.frames.length, before)
    assert.deepEqual(messages.map(({ payload }) => payload), ['{"text":"from elsewhere"}', '{"text":"1"}'])
  })

  test('schemas are declared with any Standard Schema, and only with one', () => {
    assert.throws(() => event({} as never), { code: 'invalid_config' })
    assert.throws(() => rpc(z.object({}), null as never), { code: 'invalid_config' })
  })
})

test('X3 what lifecycle handlers return is awaited, also a query that runs only when it is', async () => {
  const hub = notesHub(memoryStore())
  const ran: string[] = []
  const query = (name: string, result = Promise.resolve()): PromiseLike<void> => ({
    then: (resolve, reject) => {
      ran.push(name)
      return result.then(resolve, reject)
    },
  })
  const opening = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  hub.onOpen(() => query('open', opening.promise))
  hub.onClose(() => query('close', Promise.reject(new Error('the query failed'))))
  hub.onError((error) => {
    ran.push((error as Error).message)
    told.resolve()
    return query('error')
  })
  const peer = connectPeer(hub, new MemoryHost({ native: true }))
  assert.equal(hub.session(peer.connection.id)?.state, 'connecting')
  peer.say({ type: 'session.ping', ref: '1' })
  opening.resolve()
  await peer.next('session.pong', '1')
  assert.equal(hub.session(peer.connection.id)?.state, 'open')
  peer.close(1000, '')
  await told.promise
  await hub.close()
  assert.deepEqual(ran, ['open', 'close', 'the query failed', 'error'])
})
