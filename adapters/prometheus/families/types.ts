import type { TypeMetrics } from '../../../src/mod.ts'
import type { Family, Sample } from '../family.ts'
import type { Reading } from '../source.ts'

/** Empty unless the hub has `countTypes`. Types are those that it handles; all others are one, `(other)`. */
export const typeFamilies: readonly Family<Reading>[] = [
  {
    name: 'rotunda_handling_seconds',
    type: 'summary',
    help: 'How long messages were handled, by type.',
    read: (reading) => {
      return byType(reading, (labels, { received, latency }) => [
        { suffix: '_sum', labels, value: latency.avg * received / 1000 },
        { suffix: '_count', labels, value: received },
      ])
    },
  },
  {
    name: 'rotunda_handling_failures_total',
    type: 'counter',
    help: 'Messages that were answered with an error, by type.',
    read: (reading) => byType(reading, (labels, { failed }) => [{ labels, value: failed }]),
  },
]

function byType(
  { metrics }: Reading,
  samples: (labels: Sample['labels'], counts: TypeMetrics) => readonly Sample[],
): Sample[] {
  return Object.entries(metrics.types ?? {}).flatMap(([type, counts]) => samples({ type }, counts))
}
