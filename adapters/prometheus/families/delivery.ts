import { counter, type Family, histogram } from '../family.ts'
import type { Reading } from '../source.ts'

/** How messages reach who is in their room, and who cannot keep up. */
export const deliveryFamilies: readonly Family<Reading>[] = [
  histogram(
    'rotunda_delivery_seconds',
    'From when the first message of a commit was taken to when its messages were handed to the transports.',
    0.001,
    ({ metrics }) => metrics.deliveryMilliseconds,
  ),
  counter('rotunda_resumes_total', 'Joins that came back with a cursor.', ({ metrics }) => metrics.resumes),
  counter('rotunda_catch_ups_total', 'Times that a subscriber began to read the log.', ({ metrics }) => {
    return metrics.catchUps
  }),
  counter('rotunda_gaps_total', 'Times that a client was told of messages it cannot have.', ({ metrics }) => {
    return metrics.gaps
  }),
  counter(
    'rotunda_fell_behind_total',
    'Times that a live subscriber was too slow and went on from the log.',
    (from) => {
      return from.metrics.fellBehind
    },
  ),
  counter(
    'rotunda_ephemeral_dropped_total',
    'Ephemeral messages missed by members that were reading the log.',
    (from) => {
      return from.metrics.ephemeralDropped
    },
  ),
  counter('rotunda_replies_dropped_total', 'Answers of clients that nobody waited for.', ({ metrics }) => {
    return metrics.repliesDropped
  }),
]
