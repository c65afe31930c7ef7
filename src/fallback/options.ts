import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { SharedMailboxOptions } from './shared/options.ts'

/** How sessions over SSE and long polling are kept. Times in seconds, fractions allowed. */
export interface FallbackOptions {
  /** Time after which a session that nobody polls ends, and a shared mailbox is forgotten. Default 60. */
  readonly ttl?: number
  /** Messages that a mailbox keeps. Default 256. */
  readonly mailbox?: number
  /** Longest time a poll may wait. Default 60. */
  readonly maxWait?: number
  /** Longest silence on a stream: a comment ends it. Default 15. */
  readonly heartbeat?: number
  /**
   * Origins whose pages may use SSE and long polling of this server with their cookies, such as
   * `https://app.example.org`. Default none: browsers let pages of the server's own origin only.
   */
  readonly origins?: readonly string[]
  /** Mailboxes that nobody has to open, one for each room; see {@link SharedMailboxOptions}. Default false. */
  readonly shared?: boolean | SharedMailboxOptions
}

/** Checked options, with their defaults. */
export interface FallbackSettings {
  readonly ttl: number
  readonly mailbox: number
  readonly maxWait: number
  readonly heartbeat: number
  readonly origins: ReadonlySet<string>
  readonly shared: SharedMailboxOptions | undefined
}

type Name = 'ttl' | 'mailbox' | 'maxWait' | 'heartbeat'

/** Smallest and largest value of each number, and what it is when nothing is said. */
export const FALLBACK_NUMBERS: Readonly<
  Record<Name, { readonly from: number; readonly to: number; readonly absent: number }>
> = {
  ttl: { from: 1, to: 86_400, absent: 60 },
  mailbox: { from: 1, to: 100_000, absent: 256 },
  maxWait: { from: 0, to: 600, absent: 60 },
  heartbeat: { from: 0.1, to: 600, absent: 15 },
}

/** @throws {RotundaError} `invalid_config`, naming the setting, its value and what is allowed. */
export function checkFallbackOptions(given: FallbackOptions): FallbackSettings {
  const number = (name: Name): number => {
    const { from, to, absent } = FALLBACK_NUMBERS[name]
    const value = given[name] ?? absent
    const fits = typeof value === 'number' && value >= from && value <= to
    if (fits && (name !== 'mailbox' || Number.isInteger(value))) return value
    const kind = name === 'mailbox' ? 'a whole number' : 'a number of seconds'
    throw new RotundaError(
      'invalid_config',
      `fallback.${name} is ${quote(value)}; it must be ${kind} from ${from} to ${to}.`,
    )
  }
  const { origins = [], shared = false } = given
  return {
    ttl: number('ttl'),
    mailbox: number('mailbox'),
    maxWait: number('maxWait'),
    heartbeat: number('heartbeat'),
    origins: new Set(origins.map(checkOrigin)),
    shared: shared === true ? {} : shared === false ? undefined : shared,
  }
}

/** @throws {RotundaError} `invalid_config` for what no browser sends as `Origin`. */
function checkOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new RotundaError(
    'invalid_config',
    `fallback.origins has ${
      quote(origin)
    }; an origin is a scheme, a host and perhaps a port: "https://app.example.org".`,
  )
}
