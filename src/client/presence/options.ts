import type { StandardSchema } from '../../protocol/standard_schema.ts'
import type { Calls } from '../calls.ts'
import type { Membership } from '../membership.ts'

/** How to see who is in a room, and to be seen. */
export interface PresenceOptions<S> {
  /** Be present from the start, with this state; `null` says nothing. Without it: not before `set` is called. */
  readonly state?: S | null | undefined
  /** Whether to be told who is present. Without, `members` stays empty. Default true. */
  readonly watch?: boolean | undefined
  /**
   * Checks states, one's own and others'. A member whose state it refuses is shown with `null`, and the room's `onError`
   * is told. A schema that transforms must accept its own output.
   */
  readonly schema?: StandardSchema<unknown, S> | undefined
}

/** A room of any contract. */
export interface AnyRoom {
  readonly name: string
  /** @internal */
  readonly calls: Calls
  /** @internal */
  readonly membership: Membership
  onJoined(handler: () => unknown): () => void
  onRemoved(handler: () => unknown): () => void
}
