import type { QuotaMetric, QuotaRule } from './rules.ts'
import { SlidingWindow } from './sliding_window.ts'

/** What the quotas say of one frame or envelope. */
export interface QuotaResult {
  /** `delay` beyond a soft limit, `reject` or `terminate` beyond a limit, else `allow`. */
  readonly verdict: 'allow' | 'delay' | 'reject' | 'terminate'
  /** The rule that decided; the tightest one when all is allowed. Undefined where no rule is about it. */
  readonly rule: QuotaRule | undefined
  /** Used of the rule's limit, this included where it was let through. */
  readonly used: number
  /** What is left of the rule's limit; Infinity without a rule. */
  readonly remaining: number
  /** Milliseconds after which it would be let through; 0 when it was. */
  readonly retryIn: number
}

interface Metered {
  readonly rule: QuotaRule
  readonly window: SlidingWindow
  readonly types: ReadonlySet<string> | undefined
}

const FREE: QuotaResult = { verdict: 'allow', rule: undefined, used: 0, remaining: Infinity, retryIn: 0 }
const SEVERITY = { allow: 0, delay: 1, reject: 2, terminate: 3 } as const

/** What one session has used of what it may. */
export class SessionQuota {
  /** The session's own rules among them. */
  readonly own: readonly QuotaRule[] | undefined
  readonly #metered: readonly Metered[]
  /** Whether what is over the limit is let through and counted all the same. */
  readonly #permissive: boolean
  #last: QuotaResult = FREE

  /**
   * @param own Rules of this session alone.
   * @param before What it had until now: by a rule that stays what was used stays used.
   */
  constructor(
    rules: readonly QuotaRule[],
    permissive: boolean,
    own?: readonly QuotaRule[],
    before?: SessionQuota,
  ) {
    this.own = own
    this.#permissive = permissive
    const known = before === undefined ? [] : [...before.#metered]
    this.#metered = [...rules, ...own ?? []].map((rule) => {
      const text = JSON.stringify(rule)
      const index = known.findIndex((metered) => JSON.stringify(metered.rule) === text)
      if (index >= 0) return known.splice(index, 1)[0]!
      const types = rule.types === undefined ? undefined : new Set(rule.types)
      return { rule, window: new SlidingWindow(rule.window * 1000), types }
    })
  }

  /** Whether any rule is about this. */
  has(metric: QuotaMetric): boolean {
    return this.#metered.some(({ rule }) => rule.metric === metric)
  }

  /** The verdict on what was taken last. */
  get last(): QuotaResult {
    return this.#last
  }

  /**
   * Asks to use so much, and uses it unless it is refused: what is refused costs nothing.
   * @param now Milliseconds of a clock that does not go back.
   */
  take(metric: QuotaMetric, amount: number, type: string | undefined, now: number): QuotaResult {
    const concerned = this.#metered.filter(({ rule, types }) => {
      return rule.metric === metric && (types === undefined || (type !== undefined && types.has(type)))
    })
    let result = FREE
    for (const { rule, window } of concerned) {
      const judged = judge(rule, window, amount, now)
      if (isGraver(judged, result)) result = judged
    }
    const isRefused = SEVERITY[result.verdict] >= SEVERITY.reject
    if (!isRefused || this.#permissive) { for (const { window } of concerned) window.add(amount, now) }
    return this.#last = result
  }

  /** Uses what can be refused no more, such as bytes that were sent already, and says how things stand. */
  use(metric: QuotaMetric, amount: number, now: number): QuotaResult {
    let result = FREE
    for (const { rule, window } of this.#metered) {
      if (rule.metric !== metric) continue
      window.add(amount, now)
      const judged = judge(rule, window, 0, now)
      if (isGraver(judged, result)) result = judged
    }
    return result
  }
}

function judge(rule: QuotaRule, window: SlidingWindow, amount: number, now: number): QuotaResult {
  const used = window.used(now)
  const wanted = used + amount
  if (wanted > rule.limit) {
    const retryIn = window.freeIn(amount, rule.limit, now)
    return { verdict: rule.action ?? 'reject', rule, used, remaining: Math.max(0, rule.limit - used), retryIn }
  }
  const verdict = rule.soft !== undefined && wanted > rule.soft ? 'delay' : 'allow'
  return { verdict, rule, used: wanted, remaining: rule.limit - wanted, retryIn: 0 }
}

function isGraver(one: QuotaResult, other: QuotaResult): boolean {
  const difference = SEVERITY[one.verdict] - SEVERITY[other.verdict]
  if (difference !== 0) return difference > 0
  if (one.verdict === 'delay') return (one.rule?.delay ?? 0) > (other.rule?.delay ?? 0)
  return one.remaining < other.remaining || other.rule === undefined
}
