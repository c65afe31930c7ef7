import type { Connection } from '../connection.ts'
import type { Counters } from '../counters.ts'
import type { FrameHandler } from '../dispatch.ts'
import type { Executor } from '../executor.ts'
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
  }
  readonly logger: Logger
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
  { core: { executor, counters, connections }, logger }: MeteredHub,
): FrameHandler {
  const rules = checkQuotaRules(quotas)
  if (rules.length === 0) return handler
  const permissive = quotaMode === 'permissive'
  const quotaOf = (connection: Connection) => connection.quota ??= new SessionQuota(rules, permissive)
  const now = () => performance.now()
  const quoted = new Quoted(handler, { executor, counters, logger, permissive, now, quotaOf })
  if (rules.some(({ metric }) => metric === 'bytesOut')) {
    executor.every(OUTGOING_LOOK, () => {
      for (const connection of connections.values()) if (connection.isUsable) quoted.meterOutgoing(connection)
    })
  }
  return quoted
}
