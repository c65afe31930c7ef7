import type { Companions, HubMetrics, Inspection } from '../hub/mod.ts'
import { scan } from './scan.ts'
import { costOf, isSlow } from './sessions.ts'
import type { CounterGroup, Sample } from './view.ts'

/** Samples that are kept: two minutes, one a second. */
const KEPT = 120

/** What is looked at. */
export interface Recorded {
  readonly reader: { readonly inspection: Inspection }
  readonly companions: Companions
  readonly limits: { readonly highWaterMark: number }
  readonly metrics: HubMetrics
}

/** The node's numbers over the last two minutes, as far as somebody was looking. */
export class Recorder {
  #samples: Sample[] = []
  #groups: readonly CounterGroup[] = []
  #bounds: readonly number[] = []

  /** The counters at the last sample. */
  get groups(): readonly CounterGroup[] {
    return this.#groups
  }

  get bounds(): readonly number[] {
    return this.#bounds
  }

  since(at: number): readonly Sample[] {
    return this.#samples.filter((sample) => sample.at > at)
  }

  async record(hub: Recorded): Promise<void> {
    let slow = 0
    let buffered = 0
    await scan(hub.reader.inspection.connections.values(), (connection) => {
      buffered += connection.peer.bufferedAmount
      if (isSlow(connection, hub.limits.highWaterMark)) slow += 1
    }, costOf)
    const { metrics } = hub
    this.#groups = groupsOf(metrics)
    this.#bounds = metrics.commitMilliseconds.bounds
    this.#samples = [...this.#samples.slice(1 - KEPT), sampleOf(metrics, hub.companions.size, slow, buffered)]
  }

  clear(): void {
    this.#samples = []
  }
}

function sampleOf(metrics: HubMetrics, beside: number, slow: number, buffered: number): Sample {
  const { sessions, connectionsTotal, rooms, waiting, traffic, messages } = metrics
  return {
    at: Date.now(),
    sessions,
    connections: sessions + beside,
    connectionsTotal,
    rooms,
    messagesIn: traffic.messagesIn,
    messagesOut: traffic.messagesOut,
    bytesIn: traffic.bytesIn,
    bytesOut: traffic.bytesOut,
    stored: messages,
    waiting,
    errors: Object.values(metrics.errors).reduce((sum, count) => sum + count, 0),
    slow,
    buffered,
    commits: metrics.commitMilliseconds.counts,
    deliveries: metrics.deliveryMilliseconds.counts,
  }
}

/** The counters by what they tell of. Groups without any are left out. */
function groupsOf(metrics: HubMetrics): CounterGroup[] {
  const { commits, failed, messages, repeats, resumes, gaps, catchUps, fellBehind, ephemeralDropped } = metrics
  const groups: [string, object | undefined][] = [
    ['Journal', { commits, failed, messages, repeats }],
    ['Delivery', { resumes, catchUps, gaps, fellBehind, ephemeralDropped, repliesDropped: metrics.repliesDropped }],
    ['Errors told to clients', metrics.errors],
    ['Sessions closed, by code', metrics.closes],
    ['Quotas', metrics.quota],
    ['Presence', metrics.presence],
    ['Retention', metrics.retention],
    ['SSE and long polling', metrics.longPoll],
  ]
  return groups.flatMap(([name, values]) => {
    const counters = Object.entries(values ?? {}).filter((entry): entry is [string, number] => {
      return typeof entry[1] === 'number'
    })
    return counters.length === 0 ? [] : [{ name, counters }]
  })
}
