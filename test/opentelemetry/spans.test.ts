import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { openTelemetry } from '../../adapters/opentelemetry/mod.ts'
import { createHub, memoryStore } from '../../src/mod.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { note, notes } from '../support/test_hub.ts'

const SENDER = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

function setUp() {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const store = new ControlledStore(memoryStore())
  const hub = createHub({ protocol: notes, store, tracing: openTelemetry({ tracer: provider.getTracer('test') }) })
  hub.onError(() => {})
  const peer = connectPeer(hub, new MemoryHost({ native: true }))
  return { hub, peer, exporter, store }
}

const milliseconds = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1e3 + nanoseconds / 1e6

describe('traces', () => {
  test('M3 a durable message is a publish span below the sender’s, with commit and deliver in it', async () => {
    const { hub, peer, exporter } = setUp()
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    await peer.next('room.joined', '1')
    peer.say({ ...note('secret text', { ref: '2' }), traceparent: SENDER })
    await peer.next('ack', '2')
    const received = await peer.next('note')
    const [commit, deliver, publish] = exporter.getFinishedSpans()
    assert.deepEqual([commit!.name, deliver!.name, publish!.name], ['commit', 'deliver', 'publish note'])
    const { traceId, spanId } = publish!.spanContext()
    assert.equal(traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
    assert.equal(publish!.parentSpanContext?.spanId, '00f067aa0ba902b7')
    for (const child of [commit!, deliver!]) {
      assert.equal(child.spanContext().traceId, traceId)
      assert.equal(child.parentSpanContext?.spanId, spanId)
    }
    assert.equal(received.traceparent, `00-${traceId}-${spanId}-01`)
    const { attributes } = publish!
    assert.equal(attributes['messaging.destination.name'], 'r')
    assert.equal(attributes['messaging.message.id'], received.id)
    assert.equal(attributes['rotunda.seq'], 1)
    assert.equal(attributes['rotunda.session'], peer.connection.id)
    assert.doesNotMatch(JSON.stringify([commit, deliver, publish].map((span) => span!.attributes)), /secret/)
    const [start, committing, committed, delivered] = [
      publish!.startTime,
      commit!.startTime,
      commit!.endTime,
      deliver!.endTime,
    ].map(milliseconds)
    assert.ok(start! <= committing! + 1 && committing! <= committed! && committed! <= delivered!)
    assert.ok(Math.abs(start! - Date.now()) < 10_000)
    await hub.close()
  })

  test('M3 a message without a trace begins one; what the server publishes is traced, too', async () => {
    const { hub, exporter } = setUp()
    await hub.room('r').publish('note', { text: 'a' })
    const publish = exporter.getFinishedSpans().at(-1)!
    assert.equal(publish.parentSpanContext, undefined)
    assert.equal(publish.attributes['rotunda.session'], undefined)
    await hub.close()
  })

  test('M3 a repeat is committed and delivered to nobody; a failed commit is an error by its code', async () => {
    const { hub, exporter, store } = setUp()
    for (let i = 0; i < 2; i++) await hub.room('r').publish('note', { text: 'a' }, { key: 'k' })
    const names = exporter.getFinishedSpans().map(({ name }) => name)
    assert.deepEqual(names, ['commit', 'deliver', 'publish note', 'commit', 'publish note'])
    assert.equal(exporter.getFinishedSpans().at(-1)!.attributes['rotunda.repeat'], true)
    store.fail = 'before'
    await assert.rejects(hub.room('r').publish('note', { text: 'b' }), { code: 'store_unavailable' })
    assert.deepEqual(exporter.getFinishedSpans().at(-1)!.status, { code: 2, message: 'store_unavailable' })
    store.fail = undefined
    await hub.close()
  })

  test('without an SDK the sender’s trace is handed on as it is', async () => {
    const hub = createHub({ protocol: notes, tracing: openTelemetry() })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    peer.say({ type: 'room.join', room: 'r', ref: '1', payload: {} })
    peer.say({ ...note('a', { ref: '2' }), traceparent: SENDER })
    peer.say(note('b', { ref: '3' }))
    await peer.next('ack', '3')
    const [first, second] = (await peer.until((all) => all.filter(({ type }) => type === 'note').length === 2))
      .filter(({ type }) => type === 'note')
    assert.deepEqual([first!.traceparent, second!.traceparent], [SENDER, undefined])
    await hub.close()
  })
})
