import { RotundaError } from '../../protocol/errors.ts'
import { isTypeName, quote } from '../../protocol/names.ts'

/** What is measured of a session: envelopes it sends, bytes it sends, bytes it is sent. */
export type QuotaMetric = 'messages' | 'bytesIn' | 'bytesOut'

/** What happens beyond a limit: `reject` answers with `quota_exceeded`, `terminate` ends the session with 4003. */
export type QuotaAction = 'reject' | 'terminate'

/**
 * How much one session may do in a time.
 *
 * In no interval of `window` seconds more than `limit` is let through; what was used is free again at the latest
 * a tenth of `window` after that interval has passed.
 */
export interface QuotaRule {
  readonly metric: QuotaMetric
  /** Seconds, 0.1 to 86,400. */
  readonly window: number
  /** A whole number from 1; of `bytesIn` at least the hub's `maxMessageSize`, for else some frames could never pass. */
  readonly limit: number
  /** Beyond this the session's frames are delayed, and the log is told; at most `limit`. Default: no such limit. */
  readonly soft?: number
  /** How long each is delayed then, in milliseconds, 1 to 60,000. Default 100. */
  readonly delay?: number
  /** Default `reject`. */
  readonly action?: QuotaAction
  /** The types it is about, such as `chat.message` or `opcode.200`; with `messages` only. Default: all. */
  readonly types?: readonly string[]
}

const METRICS: ReadonlySet<unknown> = new Set<QuotaMetric>(['messages', 'bytesIn', 'bytesOut'])
const ACTIONS: ReadonlySet<unknown> = new Set<QuotaAction>(['reject', 'terminate'])
const KNOWN: ReadonlySet<string> = new Set(['metric', 'window', 'limit', 'soft', 'delay', 'action', 'types'])
const MAX_RULES = 32

/**
 * @param maxMessageSize Bytes of the largest frame, which every rule must let pass some time.
 * @throws {RotundaError} `invalid_config`, naming the rule, the setting and what is allowed.
 */
export function checkQuotaRules(rules: unknown, maxMessageSize: number): readonly QuotaRule[] {
  if (!Array.isArray(rules) || rules.length > MAX_RULES) {
    throw new RotundaError('invalid_config', `quotas must be a list of at most ${MAX_RULES} rules.`)
  }
  return rules.map((rule: unknown, i) => checkRule(rule, `quotas[${i}]`, maxMessageSize))
}

function checkRule(given: unknown, name: string, maxMessageSize: number): QuotaRule {
  if (typeof given !== 'object' || given === null) throw wrong(name, given, 'an object with metric, window and limit')
  const rule = given as Record<string, unknown>
  const unknown = Object.keys(rule).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw wrong(`${name}.${unknown}`, rule[unknown], `one of ${[...KNOWN].join(', ')}`)
  const { metric, window, limit, soft, delay, action, types } = rule
  if (!METRICS.has(metric)) throw wrong(`${name}.metric`, metric, `one of ${[...METRICS].join(', ')}`)
  if (!isBetween(window, 0.1, 86_400)) throw wrong(`${name}.window`, window, 'seconds from 0.1 to 86400')
  if (!isWhole(limit, 1)) throw wrong(`${name}.limit`, limit, 'a whole number from 1')
  if (soft !== undefined && !(isWhole(soft, 0) && soft <= limit)) {
    throw wrong(`${name}.soft`, soft, `a whole number from 0 to the limit, ${limit}`)
  }
  if (delay !== undefined && !isBetween(delay, 1, 60_000)) {
    throw wrong(`${name}.delay`, delay, 'milliseconds from 1 to 60000')
  }
  if (action !== undefined && !ACTIONS.has(action)) {
    throw wrong(`${name}.action`, action, `one of ${[...ACTIONS].join(', ')}`)
  }
  if (types !== undefined && !(metric === 'messages' && isTypeList(types))) {
    throw wrong(`${name}.types`, types, 'a list of types, with the metric "messages"')
  }
  // Clients would send what is refused again and again.
  if (metric === 'bytesIn' && limit < maxMessageSize) {
    throw wrong(`${name}.limit`, limit, `a whole number from limits.maxMessageSize, ${maxMessageSize}, for bytesIn`)
  }
  return rule as unknown as QuotaRule
}

function isBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

function isTypeList(types: unknown): boolean {
  return Array.isArray(types) && types.every((type) => typeof type === 'string' && isTypeName(type))
}

function wrong(name: string, value: unknown, expected: string): RotundaError {
  return new RotundaError('invalid_config', `${name} is ${quote(value)}; it must be ${expected}.`)
}
