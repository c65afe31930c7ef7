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

  constructor(handler: FrameHandler, environment: QuotaEnvironment) {
    this.#handler = handler
    this.#environment = environment
  }

  raw(connection: Connection, frame: Frame): boolean | Promise<boolean> {
    const quota = this.#environment.quotaOf(connection)
    if (quota === undefined) return this.#handler.raw(connection, frame)
    quota.refused = undefined
    const now = this.#environment.now()
    const egress = quota.mayLook(now) ? quota.look(connection.metrics.bytesOut, now) : undefined
    const ingress = quota.has('bytesIn') ? takeBytes(quota, connection, frame, now) : undefined
    if (egress === undefined && ingress === undefined) return this.#handler.raw(connection, frame)
    return this.#judged(connection, quota, frame, [egress, ingress])
  }

  envelope(connection: Connection, envelope: Envelope): void | Promise<void> {
    const { now, quotaOf } = this.#environment
    const quota = quotaOf(connection)
    if (quota === undefined) return this.#handler.envelope(connection, envelope)
    if (quota.refused !== undefined) throw quota.refused
    const at = now()
    if (quota.isFree('messages', 1, envelope.type, at)) return this.#handler.envelope(connection, envelope)
    const result = quota.take('messages', 1, envelope.type, at)
    const error = this.#enforce(connection, quota, result)
    if (!connection.isUsable) return
    if (error !== undefined) throw error
    const pause = this.#pause(connection, quota, result)
    if (pause === 0) return this.#handler.envelope(connection, envelope)
    return this.#wait(connection, pause).then(() => {
      if (connection.isUsable) return this.#handler.envelope(connection, envelope)
    })
  }

  report(error: unknown, connection: Connection): void {
    this.#handler.report(error, connection)
  }

  /** Meters what a session was sent since the last look, for those that only listen. */
  meterOutgoing(connection: Connection): void {
    const { now, quotaOf } = this.#environment
    const quota = quotaOf(connection)
    const at = now()
    if (quota === undefined || !quota.mayLook(at)) return
    const result = quota.look(connection.metrics.bytesOut, at)
    if (result.verdict === 'terminate') this.#enforce(connection, quota, result)
  }

  #judged(
    connection: Connection,
    quota: SessionQuota,
    frame: Frame,
    results: readonly (QuotaResult | undefined)[],
  ): boolean | Promise<boolean> {
    let pause = 0
    for (const result of results) {
      if (result === undefined) continue
      quota.refused = this.#enforce(connection, quota, result) ?? quota.refused
      // A session that is being ended, or a frame that is refused, is no business of the application's.
      if (!connection.isUsable) return true
      pause = Math.max(pause, this.#pause(connection, quota, result))
    }
    const handle = () => quota.refused === undefined ? this.#handler.raw(connection, frame) : false
    if (pause === 0) return handle()
    return this.#wait(connection, pause).then(() => connection.isUsable ? handle() : true)
  }

  #enforce(connection: Connection, quota: SessionQuota, result: QuotaResult): RotundaError | undefined {
    const { verdict, rule, retryIn } = result
    if (rule === undefined || verdict === 'allow' || verdict === 'delay') return undefined
    const { counters, permissive } = this.#environment
    const message = `More than ${rule.limit} ${NAMES[rule.metric]} in ${rule.window} s` +
      (rule.types === undefined ? '' : ` of ${rule.types.map(quote).join(', ')}`)
    counters.quota[permissive ? 'permitted' : verdict] += 1
    this.#warn(connection, quota, `${message}${permissive ? '; let through' : ''}.`)
    if (permissive) return undefined
    if (verdict === 'terminate') {
      connection.closeFor('quota_exceeded', `${message}.`)
      return undefined
    }
    return new RotundaError('quota_exceeded', `${message}; try again in ${Math.ceil(retryIn)} ms.`)
  }

  #pause(connection: Connection, quota: SessionQuota, { verdict, rule, used }: QuotaResult): number {
    if (verdict !== 'delay' || rule === undefined) return 0
    const { counters, permissive } = this.#environment
    counters.quota[permissive ? 'permitted' : 'delay'] += 1
    this.#warn(connection, quota, `${used} of ${rule.limit} ${NAMES[rule.metric]} in ${rule.window} s.`)
    return permissive ? 0 : rule.delay ?? DEFAULT_DELAY
  }

  /** Once a second a session: who floods us must not flood the log. */
  #warn(connection: Connection, quota: SessionQuota, message: string): void {
    const now = this.#environment.now()
    if (now - quota.warnedAt < 1_000) return
    quota.warnedAt = now
    this.#environment.logger.warn(`rotunda: session ${connection.id}: ${message}`)
  }

  /** Ends with the session, too: hubs that close would wait for it. */
  #wait(connection: Connection, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        connection.endPause = undefined
        cancel()
        resolve()
      }
      const cancel = this.#environment.executor.after(milliseconds, over)
      connection.endPause = over
    })
  }
}

const NAMES = { messages: 'messages', bytesIn: 'bytes in', bytesOut: 'bytes out' } as const

/** The verdict on a frame's bytes, unless there is nothing to say about them. */
function takeBytes(quota: SessionQuota, connection: Connection, frame: Frame, now: number): QuotaResult | undefined {
  const bytes = typeof frame === 'string' ? connection.peer.host.byteLength(frame) : frame.byteLength
  return quota.isFree('bytesIn', bytes, undefined, now) ? undefined : quota.take('bytesIn', bytes, undefined, now)
}
