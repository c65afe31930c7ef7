import type { Row } from '../row.ts'
import { comparePublishCost, TEXT } from '../support/publish_cost.ts'

/** What it costs to have metrics by type, a scrape a second, quotas, authentication and policies. */
function operated(name: string, subscribers: number, what: string): Row {
  return {
    name,
    work: `${what}, with metrics, quotas, authentication and policies on: CPU a publish`,
    against: 'all of them off',
    unit: 'µs',
    required: { atMost: 1.1 },
    async measure(scene) {
      const load = { ...TEXT, subscribers }
      const on = { name: 'on', options: { operated: true } }
      return { pairs: await comparePublishCost(scene, load, on, { name: 'off' }) }
    },
  }
}

export const operatedPublish: Row = operated('operated publish', 0, 'durable publishes')
export const operatedFanout: Row = operated('operated fan-out', 100, 'durable fan-out to 100 subscribers')
