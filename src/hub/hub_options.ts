import type { Codec } from '../protocol/codec.ts'
import type { Contract, Protocol } from '../protocol/contract.ts'
import type { MessageStore } from '../storage/store.ts'
import type { Authorize } from './access.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'

/** What a hub is made of. */
export interface HubOptions<C extends Contract, M, S = unknown> {
  /** The contract shared with clients. */
  readonly protocol: Protocol<C>
  /** Where durable messages live. Default: in memory, gone with the process. */
  readonly store?: MessageStore
  /**
   * Makes a session's `metadata` from the request that opens it; a RotundaError that it throws refuses the connection
   * with its HTTP status. Default: an empty object.
   */
  readonly metadata?: (request: Request) => M | Promise<M>
  /** The application's own; handlers find it as `ctx.state`. */
  readonly state?: S
  /**
   * Policies: who may join, read, publish, be seen. Default: rooms named `private-…` and `presence-…` need a grant,
   * others are open; see {@link Authorize}.
   */
  readonly authorize?: Authorize<C, M>
  /**
   * Rooms whose content is encrypted from member to member, by name or beginning: `['secret-*']`. They take no payload
   * that is not (`plaintext_refused`), also from this server; neither schemas nor handlers of events see them, so put
   * what decides over publishing into `authorize`. Clients bring the keys, see `rotunda/client/encryption`.
   */
  readonly encrypted?: readonly string[]
  /** Codecs beside JSON that clients may choose by subprotocol, such as that of `rotunda/flatbuffers`. */
  readonly codecs?: readonly Codec[]
  /** Whether to count and time envelopes by type; a clock is read twice an envelope then. Default false. */
  readonly countTypes?: boolean
  /** Bounds; see {@link Limits}. */
  readonly limits?: Partial<Limits>
  /** Owns the hub's background work. Default: one of its own, stopped when the hub closes. */
  readonly executor?: Executor
  /** Names this node in sessions. Default: random. */
  readonly node?: string
}
