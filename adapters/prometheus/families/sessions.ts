import { CLOSE, ERRORS } from '../../../src/mod.ts'
import { counter, counterBy, type Family, gauge, OTHER } from '../family.ts'
import type { Reading } from '../source.ts'

const CLOSE_CODES = [...Object.values(CLOSE).map(String), OTHER]
const ERROR_CODES = [...Object.keys(ERRORS), OTHER]

/** Who is connected, what passes, and what went wrong. */
export const sessionFamilies: readonly Family<Reading>[] = [
  {
    name: 'rotunda_info',
    type: 'gauge',
    help: 'Which node this is and which log its cursors are valid in; always 1.',
    read: ({ hub }) => [{ labels: { node: hub.node, epoch: hub.epoch }, value: 1 }],
  },
  gauge('rotunda_sessions', 'Sessions at present.', ({ metrics }) => metrics.sessions),
  gauge('rotunda_companions', 'Connections beside the sessions, such as those of raw services.', ({ hub }) => {
    return hub.companions.size
  }),
  gauge('rotunda_max_connections', 'Sessions and companions that may be at once.', ({ hub }) => {
    return hub.limits.maxConnections
  }),
  gauge('rotunda_rooms', 'Rooms that somebody is in.', ({ metrics }) => metrics.rooms),
  counter('rotunda_connections_total', 'Sessions so far.', ({ metrics }) => metrics.connectionsTotal),
  counterBy('rotunda_closes_total', 'Sessions that ended, by close code.', 'code', CLOSE_CODES, ({ metrics }) => {
    return metrics.closes
  }),
  counter('rotunda_frames_in_total', 'Frames received.', ({ metrics }) => metrics.traffic.framesIn),
  counter('rotunda_frames_out_total', 'Frames sent.', ({ metrics }) => metrics.traffic.framesOut),
  counter('rotunda_messages_in_total', 'Messages received, those not understood included.', ({ metrics }) => {
    return metrics.traffic.messagesIn
  }),
  counter('rotunda_messages_out_total', 'Messages sent, each counted for every session that got it.', ({ metrics }) => {
    return metrics.traffic.messagesOut
  }),
  counter('rotunda_bytes_in_total', 'Bytes of the frames received.', ({ metrics }) => metrics.traffic.bytesIn),
  counter('rotunda_bytes_out_total', 'Bytes of the frames sent.', ({ metrics }) => metrics.traffic.bytesOut),
  counterBy('rotunda_quota_actions_total', 'What quotas did; permitted is what they would have done.', 'action', [
    'delay',
    'reject',
    'terminate',
    'permitted',
  ], ({ metrics }) => metrics.quota),
  counterBy(
    'rotunda_errors_total',
    'Errors told to clients, over HTTP too, by code.',
    'code',
    ERROR_CODES,
    ({ metrics }) => {
      return metrics.errors
    },
  ),
]
