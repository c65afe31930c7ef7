import { RotundaError } from '../protocol/errors.ts'
import { type Allowance, readGrants } from './grants.ts'
import { checkQuotaRules, type QuotaRule } from './quota/rules.ts'

/** Who somebody is, as `authenticate` found out. */
export interface Identity {
  /** Names who it is: 1 to 256 characters. A session's subject never changes. */
  readonly subject: string
  /** What else is known; the application's own. A token's claims. */
  readonly claims: Readonly<Record<string, unknown>>
  /**
   * What is granted by room or beginning of rooms' names, as with `session.grant`: `{ 'private-team-*': 'read' }`. Grants
   * add up; at most 256 patterns.
   */
  readonly grants?: Readonly<Record<string, Allowance>>
  /** When it ends, in milliseconds since 1970. Default: with the session. */
  readonly expiresAt?: number
  /** Quotas of this session beside those of the hub. */
  readonly quotas?: readonly QuotaRule[]
}

const MAX_SUBJECT = 256
const MAX_GRANTS = 256

/**
 * Checks what was said of somebody. No message quotes it: it may come out of a token.
 * @param maxMessageSize Bytes of the largest frame, which its quotas must let pass; 0 where that is checked later.
 * @throws {RotundaError} `unauthenticated`
 */
export function checkIdentity(given: unknown, now: number, maxMessageSize = 0): Identity {
  const { subject, claims = {}, grants, expiresAt, quotas } = (given ?? {}) as { [K in keyof Identity]: unknown }
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT) {
    throw refuse(`The subject must be a text of 1 to ${MAX_SUBJECT} characters.`)
  }
  if (!isObject(claims)) throw refuse('The claims must be an object.')
  if (expiresAt !== undefined && !(typeof expiresAt === 'number' && Number.isFinite(expiresAt))) {
    throw refuse('The time of expiry must be a number.')
  }
  if (expiresAt !== undefined && expiresAt <= now) throw expired()
  return {
    subject,
    claims,
    ...(grants === undefined ? {} : { grants: checkGrants(grants) }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(quotas === undefined ? {} : { quotas: checkQuotas(quotas, maxMessageSize) }),
  }
}

/** What is said where an identity has come to its end. */
export function expired(): RotundaError {
  return refuse('The token has expired.')
}

function checkGrants(grants: unknown): Readonly<Record<string, Allowance>> {
  if (!isObject(grants)) throw refuse('The grants must be an object of rooms and what is allowed there.')
  if (Object.keys(grants).length > MAX_GRANTS) throw refuse(`There are more than ${MAX_GRANTS} grants.`)
  let read: ReturnType<typeof readGrants>
  try {
    read = readGrants(grants as Readonly<Record<string, Allowance>>)
  } catch {
    throw refuse('A grant names no room, or allows something that is not known.')
  }
  for (const [wide, allowed] of read) {
    if (allowed.size === 0) throw refuse('A grant allows nothing.')
    if (!wide.endsWith('*')) continue
    for (const [narrow, less] of read) {
      const isWithin = narrow !== wide && narrow.startsWith(wide.slice(0, -1))
      // Grants add up, so who wrote this wanted something else.
      if (isWithin && less.size < allowed.size && [...less].every((action) => allowed.has(action))) {
        throw refuse('Two grants contradict each other: one of a room allows less than one of all rooms that begin so.')
      }
    }
  }
  return grants as Readonly<Record<string, Allowance>>
}

function checkQuotas(quotas: unknown, maxMessageSize: number): readonly QuotaRule[] {
  let rules: readonly QuotaRule[]
  try {
    rules = checkQuotaRules(quotas, 0)
  } catch {
    throw refuse('The quotas are not valid.')
  }
  if (rules.every(({ metric, limit }) => metric !== 'bytesIn' || limit >= maxMessageSize)) return rules
  throw refuse('A quota of bytes in is too small for a frame of the largest size.')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(message: string): RotundaError {
  return new RotundaError('unauthenticated', message)
}
