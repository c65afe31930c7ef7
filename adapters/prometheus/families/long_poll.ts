import { counter, type Family, gauge } from '../family.ts'
import type { Reading } from '../source.ts'

/** Empty where neither SSE nor long polling is served. */
export const longPollFamilies: readonly Family<Reading>[] = [
  gauge('rotunda_sse_streams', 'Sessions over SSE.', ({ metrics }) => metrics.longPoll?.streams),
  gauge('rotunda_long_poll_sessions', 'Sessions that are polled, and shared mailboxes.', ({ metrics }) => {
    return metrics.longPoll?.sessions
  }),
  gauge('rotunda_long_poll_waiting', 'Polls that wait for something.', ({ metrics }) => metrics.longPoll?.waiting),
  gauge('rotunda_long_poll_buffered_messages', 'Messages in mailboxes.', ({ metrics }) => metrics.longPoll?.buffered),
  counter('rotunda_long_poll_polls_total', 'Polls so far.', ({ metrics }) => metrics.longPoll?.polls),
  counter('rotunda_long_poll_enqueued_total', 'Messages put into mailboxes.', ({ metrics }) => {
    return metrics.longPoll?.enqueued
  }),
  counter('rotunda_long_poll_drained_total', 'Messages read from mailboxes.', ({ metrics }) => {
    return metrics.longPoll?.drained
  }),
  counter('rotunda_long_poll_dropped_total', 'Messages that mailboxes had no room for.', ({ metrics }) => {
    return metrics.longPoll?.dropped
  }),
]
