import type { Row } from '../row.ts'
import { comparePublishCost } from '../support/publish_cost.ts'

/** What it costs to have metrics by type, a scrape a second, quotas, authentication and policies. */
function operated(name: string, subscribers: number, what: string): Row {
  return {
    name,
    work: `${what}, with metrics, quotas, authentication and policies on: CPU a publish, least of some runs`,
    against: 'all of them off',
    unit: 'µs',
    required: { atMost: 1.1 },
    async measure(scene) {
      const [on, off] = [true, false].map((operated) => {
        return { name: operated ? 'on' : 'off', file: 'server.ts', options: { operated } }
      })
      return { pairs: await comparePublishCost(scene, subscribers, on!, off!) }
    },
  }
}

export const operatedPublish: Row = operated('operated publish', 0, 'durable publishes')
export const operatedFanout: Row = operated('operated fan-out', 100, 'durable fan-out to 100 subscribers')
