import type { Broker } from '../cluster/broker.ts'
import type { Codec } from '../protocol/codec.ts'
import type { Contract, Protocol } from '../protocol/contract.ts'
import type { MessageStore } from '../storage/store.ts'
import type { Authorize } from './access.ts'
import type { MetadataFactory } from './auth/admission.ts'
import type { Authenticate, Authenticator, OnExpiry } from './auth/authenticator.ts'
import type { OriginList } from './auth/origins.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import type { Logger, LogLevel } from './logger.ts'
import type { QuotaRule } from './quota/rules.ts'
import type { Tracing } from './tracing.ts'
import type { RetentionRule } from './retention_rules.ts'
import type { PresenceOptions } from './presence/presence_options.ts'

/** What a hub is made of. */
export interface HubOptions<C extends Contract, M, S = unknown> {
  /** The contract shared with clients. */
  readonly protocol: Protocol<C>
  /** Where durable messages live. Default: in memory, gone with the process. */
  readonly store?: MessageStore
  /**
   * Makes a session's `metadata` from the request that opens it, and who it is; a RotundaError that it throws refuses the
   * connection with its HTTP status. Default: an empty object.
   */
  readonly metadata?: MetadataFactory<M>
  /**
   * Finds out who somebody is, for every request that is not for all: a function, or what `rotunda/jwt` makes. It is
   * `session.identity` then. Whom it gives no identity is refused with 401, see `anonymous`. Default: everybody may come.
   */
  readonly authenticate?: Authenticate | Authenticator
  /** Whether those may come whom `authenticate` gives no identity; what it throws refuses anyway. Default false. */
  readonly anonymous?: boolean
  /** What becomes of sessions whose identity has ended. Default `close`, with 4401. */
  readonly onExpiry?: OnExpiry
  /**
   * Pages of which origins may connect: a list such as `['https://app.example.org', 'https://*.example.org']`, or `*` for
   * all. Default: those of the host that they ask. Requests without an `Origin` are not of browsers and may always.
   */
  readonly origins?: OriginList
  /**
   * How many proxies are in front of this server, whose `X-Forwarded-For` and `X-Forwarded-Host` are believed; `true` is
   * one. Where it is more than there are, clients can say they have any address. Default 0.
   */
  readonly trustProxy?: boolean | number
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
  /** Who is present in a room, and with what state; see {@link PresenceOptions}. */
  readonly presence?: PresenceOptions<C, M>
  /**
   * Connects the nodes of a cluster: all hubs with the same broker know each other's presence. Closed by its owner, after
   * the hub. Default: this hub is alone.
   */
  readonly broker?: Broker
  /** Codecs beside JSON that clients may choose by subprotocol, such as that of `rotunda/flatbuffers`. */
  readonly codecs?: readonly Codec[]
  /** Follows durable messages, such as that of `rotunda/opentelemetry`. Default: nobody does, at no cost. */
  readonly tracing?: Tracing
  /** Whether to count and time envelopes by type; a clock is read twice an envelope then. Default false. */
  readonly countTypes?: boolean
  /**
   * What is kept of rooms' messages: `[{ rooms: 'chat-*', maxAge: 3600, maxMessages: 1000 }]`. The first rule that fits a
   * room is the one for it; rooms without one are kept for ever, which is the default.
   */
  readonly retention?: readonly RetentionRule[]
  /** Seconds from one removal of what is not kept to the next, from 0.01 to 86,400. Default 60. */
  readonly retentionInterval?: number
  /** How much one session may do in a time; see {@link QuotaRule}. Default: no such limits. */
  readonly quotas?: readonly QuotaRule[]
  /** `permissive` only counts what is over a quota, and tells the log. Default `enforce`. */
  readonly quotaMode?: 'enforce' | 'permissive'
  /**
   * Where is written what the hub notices: errors and warnings, at `info` when it closes, at `debug` sessions that come and
   * go. Never what messages hold, nor tokens. Default: the console.
   */
  readonly logger?: Logger
  /** From which level on is written. Default `warn`. */
  readonly logLevel?: LogLevel
  /** Bounds; see {@link Limits}. */
  readonly limits?: Partial<Limits>
  /** Owns the hub's background work. Default: one of its own, stopped when the hub closes. */
  readonly executor?: Executor
  /** Names this node in sessions, and to other nodes. Default: random. */
  readonly node?: string
}
