import type { RotundaError } from '../../protocol/rotunda_error.ts'
import type { Published } from '../types.ts'

/**
 * `queued` waits to be sent, `sent` is on its way, `durable` is committed, `failed` was refused or given up. What was
 * sent is `queued` again when the connection is lost.
 */
export type OutgoingState = 'queued' | 'sent' | 'durable' | 'failed'

/** A durable publish as its sender sees it. */
export interface Outgoing {
  readonly room: string
  readonly type: string
  /** Its producer key. */
  readonly key: string
  /** As it was published; in an encrypted room as it is sent. */
  readonly payload: unknown
  readonly state: OutgoingState
  /** Where it is in the log, once it is durable. */
  readonly place?: Published | undefined
  /** Why it failed. */
  readonly error?: RotundaError | undefined
}
