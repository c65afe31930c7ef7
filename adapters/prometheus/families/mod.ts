import type { Family } from '../family.ts'
import type { Reading } from '../source.ts'
import { deliveryFamilies } from './delivery.ts'
import { journalFamilies } from './journal.ts'
import { longPollFamilies } from './long_poll.ts'
import { presenceFamilies } from './presence.ts'
import { retentionFamilies } from './retention.ts'
import { sessionFamilies } from './sessions.ts'
import { typeFamilies } from './types.ts'

export { processFamilies } from './process.ts'

/** All that a hub tells, in the order of the output. */
export const hubFamilies: readonly Family<Reading>[] = [
  ...sessionFamilies,
  ...journalFamilies,
  ...deliveryFamilies,
  ...longPollFamilies,
  ...presenceFamilies,
  ...retentionFamilies,
  ...typeFamilies,
]
