import { prometheusMetrics } from '../../adapters/prometheus/mod.ts'
import type { Contract, Hub, HubOptions } from '../../src/mod.ts'

const HOUR = 3_600

/** All that an operator turns on, with bounds that a benchmark does not reach. */
export const OPERATED = {
  authenticate: () => ({ subject: 'bench', claims: {}, grants: { '*': ['join', 'publish'] } }),
  authorize: (who, action, room) => who.grants.allow(action, room) ? undefined : false,
  quotas: [
    { metric: 'messages', window: HOUR, limit: 1e9 },
    { metric: 'messages', window: 1, limit: 1e9, types: ['chat.message'] },
    { metric: 'bytesIn', window: HOUR, limit: 1e12 },
    { metric: 'bytesOut', window: HOUR, limit: 1e15 },
  ],
  countTypes: true,
} as const satisfies Partial<HubOptions<Contract, unknown>>

/** Reads all metrics once a second, as Prometheus would at most. */
export function scrapeEverySecond<C extends Contract, M>(hub: Hub<C, M>): void {
  const metrics = prometheusMetrics(hub)
  setInterval(() => void metrics.text(), 1_000)
}
