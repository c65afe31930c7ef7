import type { EncodedEnvelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'

/** Which mailboxes there are that nobody has to open, and who may read them. */
export interface SharedMailboxOptions {
  /**
   * Names the mailbox of a message that this node sends to a room or to everybody; undefined for none. Default:
   * `room:<room>`, or `broadcast` for what has no room.
   */
  readonly resolve?: (message: EncodedEnvelope) => string | undefined
  /**
   * Whether a mailbox that is not a room's may be read by who has this metadata; a room's are up to the room's policies.
   * Default: `broadcast` by everybody, others by nobody.
   */
  readonly mayRead?: (metadata: unknown, mailbox: string) => boolean | Promise<boolean>
  /** Most mailboxes at once; one more, and the one that was not used for longest is forgotten. Default 10,000. */
  readonly maxMailboxes?: number
}

/** Checked options, with their defaults. */
export interface SharedSettings extends SharedMailboxOptions {
  readonly maxMailboxes: number
}

/** Smallest and largest number of mailboxes, and how many when nothing is said. */
export const MAILBOXES = { from: 1, to: 1_000_000, absent: 10_000 } as const

/** @throws {RotundaError} `invalid_config` */
export function checkSharedOptions(given: SharedMailboxOptions): SharedSettings {
  const { from, to, absent } = MAILBOXES
  const { maxMailboxes = absent, ...rest } = given
  if (Number.isInteger(maxMailboxes) && maxMailboxes >= from && maxMailboxes <= to) return { maxMailboxes, ...rest }
  throw new RotundaError(
    'invalid_config',
    `fallback.shared.maxMailboxes is ${quote(maxMailboxes)}; it must be a whole number from ${from} to ${to}.`,
  )
}
