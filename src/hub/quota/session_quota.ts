import type { RotundaError } from '../../protocol/errors.ts'
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

/** How often what a session was sent is added up at most, in milliseconds. */
const LOOK_EVERY = 50
const FREE: QuotaResult = { verdict: 'allow', rule: undefined, used: 0, remaining: Infinity, retryIn: 0 }
const SEVERITY = { allow: 0, delay: 1, reject: 2, terminate: 3 } as const

const NONE: readonly Metered[] = []

/** What one session has used of what it may. */
export class SessionQuota {
  /** The session's own rules among them. */
  readonly own: readonly QuotaRule[] | undefined
  /** Answers every envelope of the frame under way, where that is refused as a whole. */
  refused: RotundaError | undefined
  /** When the log was told of this session last. */
  warnedAt = -Infinity
  readonly #metered: readonly Metered[]
  readonly #byMetric: Readonly<Record<QuotaMetric, readonly Metered[]>>
  /** Rules about messages, by the types that rules name. */
  readonly #byType = new Map<string, readonly Metered[]>()
  readonly #otherTypes: readonly Metered[]
  /** Whether what is over the limit is let through and counted all the same. */
  readonly #permissive: boolean
  #bytesOut = 0
  #lookedAt = -Infinity
  /** What `last` is made of, where nothing special was to say. */
  #concerned: readonly Metered[] = NONE
  #takenAt = 0
  #last: QuotaResult | undefined = FREE

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
    const metered = this.#metered = [...rules, ...own ?? []].map((rule): Metered => {
      const text = JSON.stringify(rule)
      const index = known.findIndex((metered) => JSON.stringify(metered.rule) === text)
      if (index >= 0) return known.splice(index, 1)[0]!
      const types = rule.types === undefined ? undefined : new Set(rule.types)
      return { rule, window: new SlidingWindow(rule.window * 1000), types }
    })
    const about = (metric: QuotaMetric) => metered.filter(({ rule }) => rule.metric === metric)
    this.#byMetric = { messages: about('messages'), bytesIn: about('bytesIn'), bytesOut: about('bytesOut') }
    const { messages } = this.#byMetric
    this.#otherTypes = messages.filter(({ types }) => types === undefined)
    for (const type of messages.flatMap(({ types }) => [...types ?? []])) {
      this.#byType.set(type, messages.filter(({ types }) => types?.has(type) ?? true))
    }
  }

  /** Whether any rule is about this. */
  has(metric: QuotaMetric): boolean {
    return this.#byMetric[metric].length > 0
  }

  /** The verdict on what was taken last. */
  get last(): QuotaResult {
    return this.#last ??= this.#judgeAll(this.#concerned, 0, this.#takenAt)
  }

  /**
   * Asks to use so much, and uses it unless it is refused: what is refused costs nothing.
   * @param now Milliseconds of a clock that does not go back.
   */
  take(metric: QuotaMetric, amount: number, type: string | undefined, now: number): QuotaResult {
    if (this.isFree(metric, amount, type, now)) return this.last
    const concerned = this.#concerned
    const result = this.#judgeAll(concerned, amount, now)
    const isRefused = SEVERITY[result.verdict] >= SEVERITY.reject
    if (!isRefused || this.#permissive) { for (const { window } of concerned) window.add(amount, now) }
    return this.#last = result
  }

  /**
   * Uses so much where no limit, hard or soft, is near, and says whether it did. The way of nearly everything: nothing is
   * made on it, and the verdict only if somebody asks for it.
   */
  isFree(metric: QuotaMetric, amount: number, type: string | undefined, now: number): boolean {
    const concerned = metric === 'messages' ? this.#byType.get(type ?? '') ?? this.#otherTypes : this.#byMetric[metric]
    this.#concerned = concerned
    this.#takenAt = now
    for (let i = 0; i < concerned.length; i++) {
      const { rule, window } = concerned[i]!
      if (window.used(now) + amount > (rule.soft ?? rule.limit)) return false
    }
    for (let i = 0; i < concerned.length; i++) concerned[i]!.window.add(amount, now)
    this.#last = undefined
    return true
  }

  /** Whether it is time to look at what was sent: adding that up takes some. */
  mayLook(now: number): boolean {
    return this.#byMetric.bytesOut.length > 0 && now - this.#lookedAt >= LOOK_EVERY
  }

  /** Uses what can be refused no more: what was sent until now, altogether. Gives how things stand. */
  look(bytesOut: number, now: number): QuotaResult {
    this.#lookedAt = now
    const metered = this.#byMetric.bytesOut
    for (const { window } of metered) window.add(bytesOut - this.#bytesOut, now)
    this.#bytesOut = bytesOut
    return this.#judgeAll(metered, 0, now)
  }

  #judgeAll(concerned: readonly Metered[], amount: number, now: number): QuotaResult {
    let result = FREE
    for (const { rule, window } of concerned) {
      const judged = judge(rule, window, amount, now)
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
