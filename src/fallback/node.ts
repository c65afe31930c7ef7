import type { Contract } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Companion, Hub, Limits, LongPollMetrics, Variant } from '../hub/mod.ts'
import { formatCursor } from './cursor_text.ts'
import { eventVariant } from './event_frame.ts'
import type { MailboxCounts } from './mailbox.ts'
import type { FallbackSettings } from './options.ts'
import { HttpSessions } from './sessions.ts'
import { SharedMailboxes } from './shared/shared_mailboxes.ts'
import { Streams } from './streams.ts'
import { Waits } from './waits.ts'

/** What SSE and long polling of one hub have in common. */
export class FallbackNode<C extends Contract, M> implements Companion {
  readonly hub: Hub<C, M>
  readonly settings: FallbackSettings
  readonly sessions: HttpSessions
  readonly streams: Streams
  readonly waits: Waits
  readonly shared: SharedMailboxes<C, M> | undefined
  /** How frames look on streams. */
  readonly events: Variant
  readonly limits: Limits
  readonly counts: MailboxCounts = { buffered: 0, enqueued: 0, drained: 0, dropped: 0 }
  #polls = 0
  /** Polls without a session that are being answered. */
  #visitors = 0
  #whenEmpty: (() => void) | undefined

  constructor(hub: Hub<C, M>, settings: FallbackSettings) {
    const { executor } = hub.companions
    this.hub = hub
    this.settings = settings
    this.limits = hub.limits
    this.sessions = new HttpSessions(executor, settings.ttl * 1000)
    this.streams = new Streams(executor, settings.heartbeat * 1000)
    this.waits = new Waits(executor)
    this.events = eventVariant((seq) => formatCursor({ epoch: hub.epoch, seqs: [seq] }))
    this.shared = settings.shared === undefined ? undefined : new SharedMailboxes(hub, settings, this.counts)
    hub.companions.add(this)
  }

  get size(): number {
    return this.#visitors
  }

  get longPoll(): LongPollMetrics {
    return {
      sessions: this.sessions.mailboxes + (this.shared?.size ?? 0),
      streams: this.streams.size,
      polls: this.#polls,
      waiting: this.waits.size,
      ...this.counts,
    }
  }

  /** @throws {RotundaError} `connection_limit`, `shutting_down` */
  refuseIfFull(): void {
    const refusal = this.hub.refusal()
    if (refusal !== undefined) throw refusal
  }

  countPoll(): void {
    this.#polls += 1
  }

  /**
   * Counts a poll without a session as a connection, until `leave`.
   * @throws {RotundaError} `connection_limit`, `shutting_down`
   */
  enter(): void {
    this.refuseIfFull()
    this.#visitors += 1
  }

  leave(): void {
    this.#visitors -= 1
    if (this.#visitors === 0) this.#whenEmpty?.()
  }

  /** Nobody waits any longer; those who did are answered. */
  close(): Promise<void> {
    this.waits.endAll()
    this.shared?.close()
    if (this.#visitors === 0) return Promise.resolve()
    return new Promise((resolve) => this.#whenEmpty = resolve)
  }

  terminate(): void {}
}

/** @throws {RotundaError} `method_not_allowed` */
export function wrongMethod(path: string, method: string, allowed: string): RotundaError {
  return new RotundaError('method_not_allowed', `${path} is asked with ${allowed}, not ${method.slice(0, 16)}.`)
}
