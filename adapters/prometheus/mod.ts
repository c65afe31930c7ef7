/**
 * rotunda's counters for Prometheus: `prometheusMetrics` reads hubs at scrape time, with prom-client.
 *
 * @module
 */
export { prometheusMetrics } from './metrics.ts'
export type { PrometheusMetrics, PrometheusOptions } from './metrics.ts'
export type { AnyRegistry } from './registered_family.ts'
export type { MetricsSource } from './source.ts'
