import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Counter, Histogram as Reference, type OpenMetricsContentType, Registry } from 'prom-client'
import { type MetricsSource, prometheusMetrics } from '../../adapters/prometheus/mod.ts'
import { createHub, ERRORS, type HubMetrics } from '../../src/mod.ts'
import { Histogram } from '../../src/hub/histogram.ts'
import { ControlledStore } from '../support/controlled_store.ts'
import { Exposition } from '../support/exposition.ts'
import { connectPeer, MemoryHost } from '../support/memory_peer.ts'
import { promtool } from '../support/promtool.ts'
import { Random } from '../support/random.ts'
import { note, notes, notesHub } from '../support/test_hub.ts'
import { memoryStore } from '../../src/storage/memory_store.ts'

const scrapeOf = async (metrics: { text(): Promise<string> }) => new Exposition(await metrics.text())

/** What a hub would tell, with some of it as given. */
async function source(name: string, metrics: Partial<HubMetrics> = {}): Promise<MetricsSource> {
  const hub = createHub({ protocol: notes, node: name, countTypes: true })
  const all = { ...hub.metrics, ...metrics }
  await hub.close()
  const { node, epoch, limits, companions } = hub
  return { node, epoch, limits, companions, metrics: all, report: () => {} }
}

/** The same with every number another one, and which those are by path. */
function numbered(value: unknown, path: string, numbers: Map<string, number>): unknown {
  if (typeof value === 'number') {
    const number = 1_000_003 + 2 * numbers.size
    numbers.set(path, number)
    return number
  }
  if (Array.isArray(value)) return value.map((item, i) => numbered(item, `${path}.${i}`, numbers))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, numbered(item, `${path}.${key}`, numbers)]),
  )
}

describe('what hubs count, for Prometheus (M1)', () => {
  test('every number of hub.metrics is told', async () => {
    const plain = await source('n1', {
      errors: { internal: 1 },
      closes: { 1000: 1 },
      longPoll: { sessions: 1, streams: 1, polls: 1, waiting: 1, buffered: 1, enqueued: 1, drained: 1, dropped: 1 },
      types: { note: { received: 1, failed: 1, latency: { last: 1, min: 1, avg: 1, max: 1 } } },
    })
    const numbers = new Map<string, number>()
    const metrics = numbered(plain.metrics, '', numbers) as HubMetrics
    const { series } = await scrapeOf(prometheusMetrics({ ...plain, metrics }))
    const told = new Set(series.map(({ value }) => value))
    // Milliseconds are told as seconds, distributions are tested below, and of latencies the sum is told.
    const otherwise = /^\.(?:(?:last|total)Milliseconds$|\w+(?:Milliseconds|Messages)\.|types\.note\.latency)/
    const seconds = /^\.retention\.lastSweep(?:At|Milliseconds)$/
    for (const [path, number] of numbers) {
      if (otherwise.test(path)) continue
      assert.ok(told.has(seconds.test(path) ? number / 1000 : number), `hub.metrics${path} is not told`)
    }
    assert.ok(numbers.size > 50, `${numbers.size}`)
  })

  test('a distribution is the histogram that prom-client would have made of the same values', async () => {
    const bounds = [0.25, 0.5, 1, 2.5, 5, 10_000]
    const [own, random] = [new Histogram(bounds), new Random(1)]
    const registry = new Registry()
    const buckets = bounds.map((bound) => bound / 1000)
    const reference = new Reference({ name: 'rotunda_commit_seconds', help: 'x', buckets, registers: [registry] })
    for (let i = 0; i < 1_000; i++) {
      // Multiples of a power of two, so that sums are exact; bounds themselves among them.
      const milliseconds = i < bounds.length ? bounds[i]! : random.whole(0, 2 ** 16) / 4
      own.add(milliseconds)
      reference.observe(milliseconds / 1000)
    }
    const text = await prometheusMetrics(await source('n1', { commitMilliseconds: own.reading })).text()
    const lines = (from: string) => from.split('\n').filter((line) => /^rotunda_commit_seconds_(?!sum)/.test(line))
    assert.deepEqual(lines(text), lines(await registry.metrics()))
    const sums = [text, await registry.metrics()].map((one) => Number(/_commit_seconds_sum (\S+)/.exec(one)?.[1]))
    assert.ok(Math.abs(sums[0]! - sums[1]!) < 1e-6 * sums[1]!, `${sums}`)
  })

  test('codes that are none of ours are counted as other; all of ours are there from the start', async () => {
    const errors = { internal: 2, 'made up': 3, constructor: 4 } as HubMetrics['errors']
    const metrics = prometheusMetrics(await source('n1', { errors, closes: { 4002: 5, 4999: 6, other: 7 } }))
    const scraped = await scrapeOf(metrics)
    const codes = scraped.labelValues('rotunda_errors_total', 'code')
    assert.deepEqual(codes, [...Object.keys(ERRORS), 'other'])
    assert.equal(scraped.value('rotunda_errors_total', { code: 'internal' }), 2)
    assert.equal(scraped.value('rotunda_errors_total', { code: 'other' }), 7)
    assert.equal(scraped.value('rotunda_errors_total', { code: 'overloaded' }), 0)
    assert.equal(scraped.value('rotunda_closes_total', { code: '4002' }), 5)
    assert.equal(scraped.value('rotunda_closes_total', { code: 'other' }), 13)
  })

  test('of several hubs each series says whose it is; of one it does not', async () => {
    const [one, two] = [await source('one', { commits: 1 }), await source('t"w\\o\n', { commits: 2 })]
    const text = await prometheusMetrics([one, two]).text()
    const both = new Exposition(text)
    assert.equal(both.value('rotunda_commits_total', { node: 'one' }), 1)
    assert.equal(both.value('rotunda_commits_total', { node: 't"w\\o\n' }), 2)
    assert.equal(both.value('rotunda_commit_seconds_count', { node: 'one' }), 0)
    assert.equal(both.value('rotunda_info', { node: 'one', epoch: one.epoch }), 1)
    assert.deepEqual(both.labelValues('process_resident_memory_bytes', 'node'), [''])
    assert.equal(await promtool(['check', 'metrics'], text), '')
    const alone = await scrapeOf(prometheusMetrics(one))
    assert.deepEqual(alone.labelValues('rotunda_commits_total', 'node'), [''])
    assert.throws(() => prometheusMetrics([one, { ...one }]), { code: 'invalid_config', message: /Two hubs.*"one"/ })
  })

  test('a scrape reads each hub once, so that its numbers fit together', async () => {
    const plain = await source('n1')
    let reads = 0
    const counted: MetricsSource = {
      ...plain,
      get metrics() {
        reads += 1
        return { ...plain.metrics, commits: reads, messages: reads }
      },
    }
    const metrics = prometheusMetrics(counted)
    assert.equal(reads, 0, 'nothing is read before a scrape')
    for (const scrape of [1, 2, 3]) {
      const scraped = await scrapeOf(metrics)
      assert.equal(reads, scrape)
      assert.equal(scraped.value('rotunda_commits_total'), scraped.value('rotunda_stored_messages_total'))
    }
  })

  test('a registry of the application has its metrics and ours, but no process metrics twice, and ours only once', async () => {
    const registry = new Registry()
    const orders = new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] })
    orders.inc(3)
    const hub = await source('n1')
    const metrics = prometheusMetrics(hub, { registry })
    assert.equal(metrics.registry, registry)
    const scraped = await scrapeOf(metrics)
    assert.deepEqual([scraped.value('orders_total'), scraped.value('rotunda_sessions')], [3, 0])
    assert.equal(scraped.types.get('process_open_fds'), undefined)
    assert.throws(() => prometheusMetrics(hub, { registry }), {
      code: 'invalid_config',
      message: /rotunda_info already/,
    })
    registry.resetMetrics()
    assert.equal((await scrapeOf(metrics)).value('rotunda_max_connections'), 10_000)

    const all = await scrapeOf(prometheusMetrics(hub, { registry: new Registry(), process: true }))
    assert.ok(all.value('process_resident_memory_bytes') > 1_000_000)
    const age = Date.now() / 1000 - all.value('process_start_time_seconds')
    assert.ok(age > 0 && age < 3_600, `${age}`)
    const without = await scrapeOf(prometheusMetrics(hub, { process: false }))
    assert.equal(without.types.get('process_cpu_seconds_total'), undefined)
  })

  test('what clients call their messages makes no series, only what is handled does', async () => {
    const hub = createHub({ protocol: notes, countTypes: true, limits: { maxErrors: 10_000 } })
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    hub.onOpcode(200, (_, body) => body)
    for (let i = 0; i < 1_200; i++) peer.say({ type: ['x', 'opcode.', 'session.', '"}\n'][i % 4] + String(i + 1000) })
    peer.say({ type: 'note', room: 'r', payload: { text: 'hello' }, ref: '1' })
    peer.say({ type: 'opcode.200', ref: '2', payload: {} })
    await peer.next('opcode.200', '2')
    await peer.next('ack', '1')
    const scraped = await scrapeOf(prometheusMetrics(hub))
    const counted = (type: string) => scraped.value('rotunda_handling_seconds_count', { type })
    assert.deepEqual(scraped.labelValues('rotunda_handling_seconds_count', 'type').sort(), [
      '(other)',
      'note',
      'opcode.200',
    ])
    assert.deepEqual([counted('note'), counted('opcode.200')], [1, 1])
    const failures = scraped.value('rotunda_handling_failures_total', { type: '(other)' })
    assert.deepEqual([counted('(other)'), failures], [failures, counted('(other)')])
    assert.ok(failures >= 900, `${failures}`)
    assert.ok(scraped.value('rotunda_handling_seconds_sum', { type: '(other)' }) > 0)
    assert.equal(scraped.types.get('rotunda_handling_seconds'), 'summary')
    await hub.close()
  })

  test('a database that hangs, fails and comes back is told as that', async () => {
    const store = new ControlledStore()
    const hub = notesHub(store, { maxJournalQueue: 3 })
    hub.onError(() => {})
    const peer = connectPeer(hub, new MemoryHost({ native: true }))
    const metrics = prometheusMetrics(hub)
    const told = async () => {
      const scraped = await scrapeOf(metrics)
      const errors = ['overloaded', 'store_unavailable'].map((code) => scraped.value('rotunda_errors_total', { code }))
      const names = ['journal_messages', 'commits_total', 'commit_failures_total', 'stored_messages_total']
      return [...names.map((name) => scraped.value(`rotunda_${name}`)), ...errors]
    }
    store.hold()
    store.fail = 'before'
    peer.say(note('in flight', { ref: '1' }))
    while (store.batches.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    for (const ref of ['2', '3', '4', 'one too many']) peer.say(note('waits', { ref }))
    await peer.next('error', 'one too many')
    assert.deepEqual(await told(), [3, 0, 0, 0, 1, 0])
    store.release()
    await peer.next('error', '4')
    assert.deepEqual(await told(), [0, 0, 2, 0, 1, 4])
    store.fail = undefined
    peer.say(note('stored', { ref: '5' }))
    await peer.next('ack', '5')
    assert.deepEqual(await told(), [0, 1, 2, 1, 1, 4])
    const scraped = await scrapeOf(metrics)
    assert.equal(scraped.value('rotunda_commit_seconds_count'), 1, 'failures have no duration')
    await hub.close()
  })

  test('a registry that is told to writes OpenMetrics', async () => {
    const hub = notesHub(memoryStore())
    const registry = new Registry<OpenMetricsContentType>()
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const metrics = prometheusMetrics(hub, { registry })
    const text = await metrics.text()
    assert.match(text, /^# TYPE rotunda_commits counter\nrotunda_commits_total 0$/m)
    assert.match(text, /^rotunda_commit_seconds_bucket\{le="\+Inf"\} 0$/m)
    assert.match(text, /\n# EOF\n$/)
    assert.equal(metrics.contentType, Registry.OPENMETRICS_CONTENT_TYPE)
    await hub.close()
  })
})
