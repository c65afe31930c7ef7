import type { Frame } from '../../protocol/codec.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'
import type { Connection } from '../connection.ts'
import type { Counters } from '../counters.ts'
import type { FrameHandler } from '../dispatch.ts'
import type { Executor } from '../executor.ts'
import type { Logger } from '../logger.ts'
import type { QuotaResult, SessionQuota } from './session_quota.ts'

const DEFAULT_DELAY = 100

/** What a metered handler works with. */
export interface QuotaEnvironment {
  readonly executor: Executor
  readonly counters: Counters
  readonly logger: Logger
  /** Whether what is over a limit is only counted and told to the log. */
  readonly permissive: boolean
  /** Milliseconds of a clock that does not go back. */
  now(): number
  /** Undefined for a session without rules. */
  quotaOf(connection: Connection): SessionQuota | undefined
}

/** A frame handler before which frames and envelopes are metered. Hubs without quotas use the handler itself. */
export class Quoted implements FrameHandler {
  readonly #handler: FrameHandler
  readonly #environment: QuotaEnvironment
  /** Sessions whose frame under way is refused as a whole, with the error that answers its envelopes. */
  readonly #refused = new WeakMap<Connection, RotundaError>()
  readonly #bytesOut = new WeakMap<Connection, number>()
  readonly #warnedAt = new WeakMap<Connection, number>()

  constructor(handler: FrameHandler, environment: QuotaEnvironment) {
    this.#handler = handler
    this.#environment = environment
  }

  raw(connection: Connection, frame: Frame): boolean | Promise<boolean> {
    const quota = this.#environment.quotaOf(connection)
    if (quota === undefined) return this.#handler.raw(connection, frame)
    const now = this.#environment.now()
    this.#refused.delete(connection)
    const sent = this.#sent(connection)
    const egress = quota.use('bytesOut', sent, now)
    const bytes = typeof frame === 'string' ? connection.peer.host.byteLength(frame) : frame.byteLength
    const ingress = quota.take('bytesIn', bytes, undefined, now)
    for (const result of [egress, ingress]) {
      const error = this.#enforce(connection, result)
      if (error !== undefined) this.#refused.set(connection, error)
      // A session that is being ended, or a frame that is refused, is no business of the application's.
      if (!connection.isUsable) return true
    }
    const pause = Math.max(this.#pause(connection, egress), this.#pause(connection, ingress))
    const handle = () => this.#refused.has(connection) ? false : this.#handler.raw(connection, frame)
    return pause === 0 ? handle() : this.#wait(pause).then(handle)
  }

  envelope(connection: Connection, envelope: Envelope): void | Promise<void> {
    const refused = this.#refused.get(connection)
    if (refused !== undefined) throw refused
    const quota = this.#environment.quotaOf(connection)
    if (quota === undefined) return this.#handler.envelope(connection, envelope)
    const result = quota.take('messages', 1, envelope.type, this.#environment.now())
    const error = this.#enforce(connection, result)
    if (!connection.isUsable) return
    if (error !== undefined) throw error
    const pause = this.#pause(connection, result)
    if (pause === 0) return this.#handler.envelope(connection, envelope)
    return this.#wait(pause).then(() => this.#handler.envelope(connection, envelope))
  }

  report(error: unknown, connection: Connection): void {
    this.#handler.report(error, connection)
  }

  /** Meters what a session was sent since the last look, for those that only listen. */
  meterOutgoing(connection: Connection): void {
    const { now, quotaOf } = this.#environment
    const quota = quotaOf(connection)
    if (quota?.has('bytesOut') !== true) return
    const result = quota.use('bytesOut', this.#sent(connection), now())
    if (result.verdict === 'terminate') this.#enforce(connection, result)
  }

  #sent(connection: Connection): number {
    const { bytesOut } = connection.metrics
    const sent = bytesOut - (this.#bytesOut.get(connection) ?? 0)
    this.#bytesOut.set(connection, bytesOut)
    return sent
  }

  #enforce(connection: Connection, result: QuotaResult): RotundaError | undefined {
    const { verdict, rule, retryIn } = result
    if (rule === undefined || verdict === 'allow' || verdict === 'delay') return undefined
    const { counters, permissive } = this.#environment
    const message = `More than ${rule.limit} ${NAMES[rule.metric]} in ${rule.window} s` +
      (rule.types === undefined ? '' : ` of ${rule.types.map(quote).join(', ')}`)
    counters.quota[permissive ? 'permitted' : verdict] += 1
    this.#warn(connection, `${message}${permissive ? '; let through' : ''}.`)
    if (permissive) return undefined
    if (verdict === 'terminate') {
      connection.closeFor('quota_exceeded', `${message}.`)
      return undefined
    }
    return new RotundaError('quota_exceeded', `${message}; try again in ${Math.ceil(retryIn)} ms.`)
  }

  #pause(connection: Connection, { verdict, rule, used }: QuotaResult): number {
    if (verdict !== 'delay' || rule === undefined) return 0
    const { counters, permissive } = this.#environment
    counters.quota[permissive ? 'permitted' : 'delay'] += 1
    this.#warn(connection, `${used} of ${rule.limit} ${NAMES[rule.metric]} in ${rule.window} s.`)
    return permissive ? 0 : rule.delay ?? DEFAULT_DELAY
  }

  /** Once a second a session: who floods us must not flood the log. */
  #warn(connection: Connection, message: string): void {
    const now = this.#environment.now()
    if (now - (this.#warnedAt.get(connection) ?? -Infinity) < 1_000) return
    this.#warnedAt.set(connection, now)
    this.#environment.logger.warn(`rotunda: session ${connection.id}: ${message}`)
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#environment.executor.after(milliseconds, resolve))
  }
}

const NAMES = { messages: 'messages', bytesIn: 'bytes in', bytesOut: 'bytes out' } as const
