import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { checkPattern, matches } from './patterns.ts'

/**
 * What is kept of the rooms that a pattern fits: messages that are neither too old nor too many. At least one of the
 * bounds is given; with both, a message is removed when either says so.
 */
export interface RetentionRule {
  /** A room's name, or a beginning of names with `*` behind it; `*` alone is every room. */
  readonly rooms: string
  /** Messages older than this are removed, in seconds from 1 to 100 years. */
  readonly maxAge?: number | undefined
  /** How many messages are kept, the newest, from 1 to 1,000,000,000. */
  readonly maxMessages?: number | undefined
}

const MAX_AGE = 100 * 366 * 86_400
const MAX_MESSAGES = 1_000_000_000
/** Shortest and longest time between two sweeps, in seconds. */
const INTERVAL = [0.01, 86_400] as const

/**
 * Checks the rules of a hub.
 * @throws {RotundaError} `invalid_config`, naming the rule, its value and what is allowed.
 */
export function checkRetention(given: readonly RetentionRule[] = []): readonly RetentionRule[] {
  if (!Array.isArray(given)) refuse('retention', given, 'a list of { rooms, maxAge, maxMessages }')
  const rules: RetentionRule[] = []
  given.forEach((rule: unknown, i) => {
    const checked = checkRule(rule, `retention[${i}]`)
    const first = rules.findIndex(({ rooms }) => covers(rooms, checked.rooms))
    if (first >= 0) {
      throw new RotundaError(
        'invalid_config',
        `retention[${i}].rooms is ${quote(checked.rooms)}, all of whose rooms fit retention[${first}], ` +
          `${
            quote(rules[first]!.rooms)
          }; the first rule that fits a room is the one for it, so put the narrower first.`,
      )
    }
    rules.push(checked)
  })
  return rules
}

/**
 * Checks the time between two sweeps, in seconds.
 * @throws {RotundaError} `invalid_config`
 */
export function checkRetentionInterval(seconds: number = 60): number {
  return inRange('retentionInterval', seconds, INTERVAL, 'a number of seconds')
}

/** The rule for a room: the first that fits. Rooms without one are kept for ever. */
export function ruleFor(rules: readonly RetentionRule[], room: string): RetentionRule | undefined {
  return rules.find(({ rooms }) => matches(rooms, room))
}

/** The fewest patterns that fit every room of any rule: what has to be looked through, each room once. */
export function outermost(rules: readonly RetentionRule[]): string[] {
  const patterns = rules.map(({ rooms }) => rooms)
  return patterns.filter((pattern) => !patterns.some((other) => other !== pattern && covers(other, pattern)))
}

/** Whether every room that fits `pattern` fits `wide` too. */
function covers(wide: string, pattern: string): boolean {
  if (!wide.endsWith('*')) return wide === pattern
  return matches(wide, pattern.endsWith('*') ? pattern.slice(0, -1) : pattern)
}

function checkRule(rule: unknown, name: string): RetentionRule {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    return refuse(name, rule, 'an object { rooms, maxAge, maxMessages }')
  }
  const { rooms, maxAge, maxMessages, ...others } = rule as Record<string, unknown>
  for (const other of Object.keys(others)) {
    throw new RotundaError(
      'invalid_config',
      `${name}.${other} is not a setting; there are: rooms, maxAge, maxMessages.`,
    )
  }
  const checked: { -readonly [K in keyof RetentionRule]: RetentionRule[K] } = {
    rooms: checkPattern(rooms, `${name}.rooms`),
  }
  if (maxAge !== undefined) checked.maxAge = inRange(`${name}.maxAge`, maxAge, [1, MAX_AGE], 'a number of seconds')
  if (maxMessages !== undefined) {
    checked.maxMessages = inRange(`${name}.maxMessages`, maxMessages, [1, MAX_MESSAGES], 'a whole number')
  }
  if (maxAge === undefined && maxMessages === undefined) {
    throw new RotundaError(
      'invalid_config',
      `${name} has neither maxAge nor maxMessages; it must have one of them, or be left out to keep its rooms for ever.`,
    )
  }
  return checked
}

function inRange(name: string, value: unknown, [least, most]: readonly [number, number], kind: string): number {
  const fits = typeof value === 'number' && value >= least && value <= most
  if (fits && (kind !== 'a whole number' || Number.isInteger(value))) return value
  return refuse(name, value, `${kind} from ${least} to ${most}`)
}

function refuse(name: string, value: unknown, allowed: string): never {
  throw new RotundaError('invalid_config', `${name} is ${quote(value)}; it must be ${allowed}.`)
}
