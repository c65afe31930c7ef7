import { type Family, gauge } from '../family.ts'
import type { Reading } from '../source.ts'

export const presenceFamilies: readonly Family<Reading>[] = [
  gauge('rotunda_presence_rooms', 'Rooms in which somebody is present or watching.', ({ metrics }) => {
    return metrics.presence.rooms
  }),
  gauge('rotunda_presence_members', 'Members over all rooms, those that are away included.', ({ metrics }) => {
    return metrics.presence.members
  }),
  gauge('rotunda_presence_away_members', 'Members that lost their connection and may come back.', ({ metrics }) => {
    return metrics.presence.away
  }),
  gauge('rotunda_presence_watchers', 'Sessions that watch who is present, over all rooms.', ({ metrics }) => {
    return metrics.presence.watchers
  }),
  gauge('rotunda_presence_pending_members', 'Members whose changes wait to be told.', ({ metrics }) => {
    return metrics.presence.pending
  }),
]
