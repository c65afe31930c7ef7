import type { HubMetrics, Limits } from '../../src/mod.ts'

/** What of a hub is read. Every hub is one. */
export interface MetricsSource {
  readonly node: string
  readonly epoch: string
  readonly limits: Pick<Limits, 'maxConnections' | 'maxJournalQueue'>
  readonly metrics: HubMetrics
  readonly companions: { readonly size: number }
  /** Told of what kept the metrics from being read. */
  report(error: unknown): void
}

/** A hub and its counters, added up once for a scrape. */
export interface Reading {
  readonly hub: MetricsSource
  readonly metrics: HubMetrics
}

/** The readings of one scrape: whoever asks in the same turn gets the same, so that they fit together. */
export class Readings {
  readonly #hubs: readonly MetricsSource[]
  #current: readonly Reading[] | undefined

  constructor(hubs: readonly MetricsSource[]) {
    this.#hubs = hubs
  }

  take(): readonly Reading[] {
    if (this.#current !== undefined) return this.#current
    queueMicrotask(() => this.#current = undefined)
    return this.#current = this.#hubs.map((hub) => ({ hub, metrics: hub.metrics }))
  }
}
