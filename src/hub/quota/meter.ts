import type { Connection } from '../connection.ts'
import type { Counters } from '../counters.ts'
import type { FrameHandler } from '../dispatch.ts'
import type { Executor } from '../executor.ts'
import type { Limits } from '../limits.ts'
import type { Logger } from '../logger.ts'
import { Quoted } from './quoted.ts'
import { checkQuotaRules, type QuotaRule } from './rules.ts'
import { SessionQuota } from './session_quota.ts'

/** How often what sessions were sent is looked at, in milliseconds. */
const OUTGOING_LOOK = 1_000

/** What metering is about. */
export interface MeteredHub {
  readonly core: {
    readonly executor: Executor
    readonly counters: Counters
    readonly connections: ReadonlyMap<string, Connection>
    readonly limits: Pick<Limits, 'maxMessageSize'>
  }
  readonly logger: Logger
  /** Aborted when the hub is closed. */
  readonly signal: AbortSignal
  /** Whether sessions may have rules of their own, by their identity. */
  readonly bringsRules?: boolean
}

/**
 * Puts quotas before a frame handler; without any it is the handler itself.
 * @throws {RotundaError} `invalid_config`
 */
export function meter(
  handler: FrameHandler,
  { quotas = [], quotaMode = 'enforce' }: {
    readonly quotas?: readonly QuotaRule[]
    readonly quotaMode?: 'enforce' | 'permissive'
  },
  { core: { executor, counters, connections, limits }, logger, signal, bringsRules = false }: MeteredHub,
): FrameHandler {
  const rules = checkQuotaRules(quotas, limits.maxMessageSize)
  if (rules.length === 0 && !bringsRules) return handler
  const permissive = quotaMode === 'permissive'
  const quotaOf = (connection: Connection) => {
    const own = connection.identity?.quotas
    if (connection.quota !== undefined && connection.quota.own === own) return connection.quota
    if (rules.length === 0 && own === undefined && connection.quota === undefined) return undefined
    return connection.quota = new SessionQuota(rules, permissive, own, connection.quota)
  }
  const now = () => performance.now()
  const quoted = new Quoted(handler, { executor, counters, logger, permissive, now, quotaOf })
  if (bringsRules || rules.some(({ metric }) => metric === 'bytesOut')) {
    const cancel = executor.every(OUTGOING_LOOK, () => {
      for (const connection of connections.values()) if (connection.isUsable) quoted.meterOutgoing(connection)
    })
    // The executor may be the application's, and live on.
    signal.addEventListener('abort', cancel)
  }
  return quoted
}
