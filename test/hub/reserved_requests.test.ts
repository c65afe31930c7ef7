import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createHub, defineProtocol, memoryStore, OPCODES, type RequestContext, rpc } from '../../src/mod.ts'
import { z } from 'zod'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes, notesHub } from '../support/test_hub.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('reserved requests', () => {
  test('P6 opcodes below 200, above 65,535, broken or taken are refused', async () => {
    const hub = notesHub(memoryStore())
    for (const opcode of [199, 0, -1, 65_536, 200.5, NaN, OPCODES.publish]) {
      assert.throws(() => hub.onOpcode(opcode, () => {}), { code: 'invalid_config', message: /200 to 65535/ })
    }
    const remove = hub.onOpcode(200, () => {})
    assert.throws(() => hub.onOpcode(200, () => {}), { code: 'invalid_config', message: /handler already/ })
    remove()
    remove()
    hub.onOpcode(200, () => {})
    await hub.close()
  })

  test('P6 a built-in request is overridden by name or opcode, may go on to what is built in, and comes back', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const pings: string[] = []
    const remove = hub.override(OPCODES.ping, async (ctx, _payload, next) => {
      pings.push(`${ctx.type} ${ctx.ref}`)
      await next()
    })
    hub.override('session.whoami', (ctx) => ({ me: ctx.session.id }))
    assert.throws(() => hub.override('session.ping', () => {}), { message: /handler already/ })
    for (const name of ['session.pong', 'chat', 7, 4_000]) {
      assert.throws(() => hub.override(name, () => {}), { code: 'invalid_config', message: /not a built-in request/ })
    }
    peer.say({ type: 'session.ping', ref: '1' })
    await peer.next('session.pong', '1')
    peer.say({ type: 'session.whoami', ref: '2' })
    assert.deepEqual((await peer.next('session.whoami', '2')).payload, { me: peer.connection.id })
    remove()
    peer.say({ type: 'session.ping', ref: '3' })
    await peer.next('session.pong', '3')
    assert.deepEqual(pings, ['session.ping 1'])
    await hub.close()
  })

  test("P3 what a handler answers and JSON cannot say is the server's fault, and told as that", async () => {
    const protocol = defineProtocol({
      nothing: rpc(z.object({}), z.void()),
      big: rpc(z.object({}), z.any()),
    })
    const hub = createHub({ protocol })
    const errors: unknown[] = []
    hub.onError((error) => void errors.push(error))
    hub.on('nothing', () => {})
    hub.on('big', () => 1n)
    hub.onOpcode(200, () => 1n)
    hub.override('session.whoami', () => 1n)
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    for (const type of ['nothing', 'big', 'opcode.200', 'session.whoami']) {
      peer.say({ type, ref: type, payload: {} })
      const { code, message } = (await peer.answer(type)).payload as { code: string; message: string }
      assert.deepEqual([code, message], ['internal', 'The server failed to answer this request.'])
    }
    assert.equal(errors.length, 4)
    await hub.close()
  })

  test('P7 a handler is given state, session, envelope, trace and the body', async () => {
    const state = { greeting: 'hello' }
    const hub = createHub({ protocol: notes, state })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const contexts: RequestContext<typeof notes.definitions, Record<string, unknown>, typeof state>[] = []
    hub.on('note', (ctx, payload) => {
      contexts.push(ctx)
      return ctx.publish({ text: `${ctx.state.greeting} ${payload.text}` })
    })
    hub.on('note.count', (ctx) => {
      contexts.push(ctx)
      return { count: ctx.state.greeting.length }
    })
    hub.onOpcode(300, (ctx, body) => {
      contexts.push(ctx)
      return `${ctx.state.greeting} ${new TextDecoder().decode(body)}`
    })
    const more = { traceparent, parentSpan: '00f067aa0ba902b8', token: 'secret' }
    peer.say({ ...note('ada', { ref: '1' }), ...more })
    await peer.next('ack', '1')
    peer.say({ type: 'note.count', ref: '2', payload: {}, ...more })
    assert.deepEqual((await peer.next('note.count', '2')).payload, { count: 5 })
    peer.say({ type: 'opcode.300', ref: '3', payload: [1], ...more })
    assert.equal((await peer.next('opcode.300', '3')).payload, 'hello [1]')
    for (const [i, ctx] of contexts.entries()) {
      assert.equal(ctx.session.id, peer.connection.id)
      assert.equal(ctx.ref, `${i + 1}`)
      assert.equal(ctx.envelope.token, 'secret')
      assert.deepEqual(ctx.trace, {
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        spanId: '00f067aa0ba902b7',
        parentSpanId: '00f067aa0ba902b8',
        sampled: true,
      })
    }
    assert.equal(contexts.length, 3)
    await hub.close()
  })
})

describe('requests to clients', () => {
  test('P3 aborting, before and while it waits, rejects with aborted and leaves nothing behind', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    await assert.rejects(session.request('note.count', {}, { signal: AbortSignal.abort() }), { code: 'aborted' })
    const abort = new AbortController()
    const asking = session.request('note.count', {}, { signal: abort.signal })
    const { ref } = await peer.next('note.count')
    abort.abort()
    await assert.rejects(asking, { code: 'aborted' })
    peer.say({ type: 'note.count', kind: 'reply', ref, payload: { count: 1 } })
    peer.say({ type: 'session.ping', ref: '1' })
    await peer.next('session.pong', '1')
    assert.equal(hub.metrics.repliesDropped, 1)
    await hub.close()
  })

  test('P3 what is asked wrongly, or of a session that is over, rejects', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    await assert.rejects(session.request('note' as 'note.count', {}), { code: 'unknown_type', message: /an event/ })
    await assert.rejects(session.request('note.count', 7 as never), { code: 'invalid_payload' })
    const ended = new Promise<void>((resolve) => hub.onClose(() => resolve()))
    peer.close(1000, '')
    await ended
    await assert.rejects(session.request('note.count', {}), { code: 'disconnected' })
    await hub.close()
  })

  test('P3 a request may wait as long as the session lives; what is no time is refused', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    for (const timeout of [Infinity, 2 ** 31]) {
      const asking = session.request('note.count', {}, { timeout })
      const { ref } = await peer.next('note.count')
      // Where a runtime takes such a time for none, it is over with the next timers.
      await new Promise((resolve) => setTimeout(resolve, 20))
      peer.frames.length = 0
      peer.say({ type: 'note.count', kind: 'reply', ref, payload: { count: 1 } })
      assert.deepEqual(await asking, { count: 1 })
    }
    for (const timeout of [NaN, -1]) {
      await assert.rejects(session.request('note.count', {}, { timeout }), {
        code: 'invalid_config',
        message: /timeout/,
      })
    }
    await hub.close()
  })

  test('P3 an answer in the frame of what waits for it does not wait behind it', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const asking = hub.session(peer.connection.id)!.request('note.count', {}, { timeout: 5_000 })
    hub.on('typing', async () => void await asking)
    const { ref } = await peer.next('note.count')
    peer.say([
      { type: 'typing', room: 'r', ref: '1', payload: { user: 'u' } },
      { type: 'note.count', kind: 'reply', ref, payload: { count: 1 } },
    ])
    assert.equal((await peer.answer('1')).type, 'ack')
    assert.deepEqual([await asking, hub.metrics.repliesDropped], [{ count: 1 }, 0])
    await hub.close()
  })

  test('P3 an answer that was taken early and whose frame was refused does not stand for a later one', async () => {
    const hub = notesHub(memoryStore(), { maxInboundQueue: 16 })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const handling = Promise.withResolvers<void>()
    hub.on('typing', () => handling.promise)
    for (let i = 0; i < 17; i++) peer.say({ type: 'typing', room: 'r', ref: `${i}`, payload: { user: 'u' } })
    const asking = hub.session(peer.connection.id)!.request('note.count', {})
    const { ref } = await peer.next('note.count')
    const reply = { type: 'note.count', kind: 'reply', ref, payload: { count: 1 } }
    peer.say(reply)
    assert.deepEqual(await asking, { count: 1 })
    handling.resolve()
    await peer.answer('16')
    // When this is answered the queue is empty.
    peer.say({ type: 'session.ping', ref: 'idle' })
    await peer.answer('idle')
    peer.say(reply)
    peer.say({ type: 'session.ping', ref: 'end' })
    await peer.answer('end')
    assert.equal(hub.metrics.repliesDropped, 1)
    await hub.close()
  })

  test('I5 no more than 1,024 requests wait for one client', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const session = hub.session(peer.connection.id)!
    const asked = Array.from({ length: 1_024 }, () => session.request('note.count', {}))
    const settled = Promise.allSettled(asked)
    await peer.next('note.count', 's1024')
    await assert.rejects(session.request('note.count', {}), { code: 'queue_full' })
    peer.close(1000, '')
    const codes = (await settled).map((result) => result.status === 'rejected' ? result.reason.code : 'answered')
    assert.deepEqual(new Set(codes), new Set(['disconnected']))
    await hub.close()
  })
})

describe('counts by type', () => {
  test('M2 types are counted and timed where the hub was asked to, for the hub and for each session', async () => {
    const hub = createHub({ protocol: notes, countTypes: true })
    const host = new MemoryHost({ native: true })
    const [one, two] = [connectPeer(hub, host), connectPeer(hub, host)]
    hub.on('note.count', async () => {
      await Promise.resolve()
      return { count: 1 }
    })
    for (const ref of ['1', '2']) one.say({ type: 'note.count', ref, payload: {} })
    two.say({ type: 'note.count', ref: '1', payload: 'wrong' })
    await one.next('note.count', '2')
    await two.next('error', '1')
    const all = hub.metrics.types!['note.count']!
    assert.deepEqual({ received: all.received, failed: all.failed }, { received: 3, failed: 1 })
    const { last, min, avg, max } = all.latency
    assert.ok(0 < min && min <= avg && avg <= max && min <= last && last <= max)
    const own = hub.session(two.connection.id)!
    assert.deepEqual([own.typeMetrics!['note.count']!.failed, own.handling!.received], [1, 1])
    assert.equal(hub.session(one.connection.id)!.handling!.received, 2)
    await hub.close()
  })

  test('M2 types that nobody handles are counted as one, whatever clients call them', async () => {
    const hub = createHub({ protocol: notes, countTypes: true, limits: { maxErrors: 10_000 } })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    for (let i = 0; i < 1_500; i++) peer.say({ type: i % 2 === 0 ? `t${i}` : `opcode.${200 + i}` })
    const types = hub.metrics.types!
    assert.deepEqual(Object.keys(types), ['(other)'])
    assert.deepEqual([types['(other)']!.received, types['(other)']!.failed], [1_500, 1_500])
    await hub.close()
  })

  test('without the option nothing is counted by type', async () => {
    const hub = notesHub(memoryStore())
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'session.ping' })
    assert.equal(hub.metrics.types, undefined)
    const session = hub.session(peer.connection.id)!
    assert.deepEqual([session.typeMetrics, session.handling], [undefined, undefined])
    await hub.close()
  })
})
