import { relative, resolve } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Row } from '../row.ts'
import { comparePublishCost, TEXT } from '../support/publish_cost.ts'

/** An earlier checkout of this repository, installed: what was added since must cost nothing that is not used. */
const CHECKOUT = process.env['BENCH_BEFORE']

function before(checkout: string, name: string, subscribers: number, what: string): Row {
  return {
    name,
    work: `${what}: CPU a publish`,
    against: 'an earlier checkout',
    unit: 'µs',
    required: { atMost: 1.03 },
    async measure(scene) {
      const file = relative(fileURLToPath(new URL('..', import.meta.url)), resolve(checkout, 'bench/server.ts'))
      const load = { ...TEXT, subscribers }
      return { pairs: await comparePublishCost(scene, load, { name: 'now' }, { name: 'before', file }) }
    },
  }
}

/** None, unless there is an earlier checkout to compare with. */
export const beforeRows: readonly Row[] = CHECKOUT === undefined ? [] : [
  before(CHECKOUT, 'before: publish', 0, 'durable publishes'),
  before(CHECKOUT, 'before: fan-out', 100, 'durable fan-out to 100 subscribers'),
]
