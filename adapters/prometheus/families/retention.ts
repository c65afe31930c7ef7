import { counter, type Family, gauge } from '../family.ts'
import type { Reading } from '../source.ts'

export const retentionFamilies: readonly Family<Reading>[] = [
  counter('rotunda_retention_sweeps_total', 'Sweeps that have ended.', ({ metrics }) => metrics.retention.sweeps),
  counter('rotunda_retention_rooms_total', 'Rooms with a rule that a sweep looked at.', ({ metrics }) => {
    return metrics.retention.rooms
  }),
  counter('rotunda_retention_removed_messages_total', 'Messages removed.', ({ metrics }) => {
    return metrics.retention.messages
  }),
  counter('rotunda_retention_failures_total', 'Removals that the store refused.', ({ metrics }) => {
    return metrics.retention.failures
  }),
  gauge(
    'rotunda_retention_last_sweep_timestamp_seconds',
    'When the last sweep ended; 0 before that.',
    ({ metrics }) => {
      return metrics.retention.lastSweepAt / 1000
    },
  ),
  gauge('rotunda_retention_last_sweep_seconds', 'How long the last sweep took.', ({ metrics }) => {
    return metrics.retention.lastSweepMilliseconds / 1000
  }),
]
