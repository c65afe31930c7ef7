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
  readonly #metered: readonly Metered[]
  /** Whether what is over the limit is let through and counted all the same. */
  readonly #permissive: boolean
  #last: QuotaResult = FREE

  constructor(rules: readonly QuotaRule[], permissive: boolean) {
    this.#permissive = permissive
    this.#metered = rules.map((rule) => ({
      rule,
      window: new SlidingWindow(rule.window * 1000),
      types: rule.types === undefined ? undefined : new Set(rule.types),
    }))
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
