import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'

/** Every bound of a hub. Times in seconds (fractions allowed), sizes in bytes. 0 turns a limit off, where it is allowed. */
export interface Limits {
  /** Largest frame a client may send; a larger one closes its connection with 1009. Default 65,536. */
  readonly maxMessageSize: number
  /** Connections at once; one more is refused with 503. Default 10,000. */
  readonly maxConnections: number
  /** Connections of one address (of IPv6: one /64) at once; one more is refused with 503. Default 0: any number. */
  readonly maxConnectionsPerAddress: number
  /** Handshakes of one address in 10 seconds; more are refused with 429. Default 0: any number. */
  readonly maxHandshakesPerAddress: number
  /** Handshakes and requests that may wait for `authenticate` and `metadata`; more get 503. Default 1,000. */
  readonly maxPendingHandshakes: number
  /** Rooms that somebody is in, over all sessions; joining another is refused with `overloaded`. Default 100,000. */
  readonly maxRooms: number
  /** Rooms one session may be in. Default 1,000. */
  readonly maxRoomsPerSession: number
  /**
   * Joins one session may ask for in 10 seconds, as many as it may be in rooms anyway; more are refused with
   * `quota_exceeded`. Default 10,000; 0: any number.
   */
  readonly maxJoinsPerSession: number
  /** A connection from which nothing arrived for this long, pongs included, is closed with 4000. Default 600. */
  readonly idleTimeout: number
  /** How often each connection is pinged. Default 30. */
  readonly pingInterval: number
  /** A connection that owes a pong for this long is closed with 4001. Default 10. */
  readonly pongTimeout: number
  /** Frames of one session that may wait while an earlier one is handled. Default 1,024. */
  readonly maxInboundQueue: number
  /** Frames in a row that may be refused as not understood before the connection is closed. Default 100. */
  readonly maxErrors: number
  /** Messages that may wait for the next commit, over all sessions. Default 65,536. */
  readonly maxJournalQueue: number
  /** Bytes of payload that may wait for the next commit, over all sessions. Default 64 MiB. */
  readonly maxJournalBytes: number
  /** Most messages in one commit. Default 4,096. */
  readonly maxCommit: number
  /** A live subscriber with more than this buffered is switched to reading the log. Default 1 MiB. */
  readonly highWaterMark: number
  /** A connection with more than this buffered is closed with 4002. Default 16 MiB. */
  readonly hardLimit: number
}

/** The limits a hub has when nothing else is said. */
export const DEFAULT_LIMITS: Limits = {
  maxMessageSize: 64 * 1024,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 0,
  maxHandshakesPerAddress: 0,
  maxPendingHandshakes: 1_000,
  maxRooms: 100_000,
  maxRoomsPerSession: 1_000,
  maxJoinsPerSession: 10_000,
  idleTimeout: 600,
  pingInterval: 30,
  pongTimeout: 10,
  maxInboundQueue: 1_024,
  maxErrors: 100,
  maxJournalQueue: 65_536,
  maxJournalBytes: 64 * 1024 * 1024,
  maxCommit: 4_096,
  highWaterMark: 1024 * 1024,
  hardLimit: 16 * 1024 * 1024,
}

/** Smallest and largest value of each limit. */
export const ALLOWED: Readonly<Record<keyof Limits, readonly [number, number]>> = {
  maxMessageSize: [256, 16 * 1024 * 1024],
  maxConnections: [1, 10_000_000],
  maxConnectionsPerAddress: [0, 10_000_000],
  maxHandshakesPerAddress: [0, 1_000_000],
  maxPendingHandshakes: [1, 1_000_000],
  maxRooms: [1, 10_000_000],
  maxRoomsPerSession: [1, 1_000_000],
  maxJoinsPerSession: [0, 1_000_000],
  idleTimeout: [0, 86_400],
  pingInterval: [0, 86_400],
  pongTimeout: [0.01, 86_400],
  maxInboundQueue: [1, 1_000_000],
  maxErrors: [1, 1_000_000],
  maxJournalQueue: [1, 10_000_000],
  maxJournalBytes: [65_536, 16 * 1024 ** 3],
  maxCommit: [1, 100_000],
  highWaterMark: [1_024, 1024 ** 3],
  hardLimit: [65_536, 1024 ** 3],
}

/** The limits that are times, in seconds. */
export const TIMES: ReadonlySet<string> = new Set(['idleTimeout', 'pingInterval', 'pongTimeout'])

/**
 * Fills in the defaults and checks every value.
 * @throws {RotundaError} `invalid_config`, naming the setting, its value and what is allowed.
 */
export function checkLimits(given: Partial<Limits> = {}): Limits {
  const limits: Record<keyof Limits, number> = { ...DEFAULT_LIMITS }
  for (const [name, value] of Object.entries(given)) {
    if (!isLimit(name)) {
      const known = Object.keys(ALLOWED).join(', ')
      throw new RotundaError('invalid_config', `limits.${name} is not a setting; there are: ${known}.`)
    }
    if (value === undefined) continue
    const [least, most] = ALLOWED[name]
    const fits = typeof value === 'number' && value >= least && value <= most
    if (!fits || !(TIMES.has(name) || Number.isInteger(value))) {
      const kind = TIMES.has(name) ? 'a number of seconds' : 'a whole number'
      throw new RotundaError(
        'invalid_config',
        `limits.${name} is ${quote(value)}; it must be ${kind} from ${least} to ${most}.`,
      )
    }
    limits[name] = value
  }
  if (limits.highWaterMark > limits.hardLimit) {
    throw new RotundaError(
      'invalid_config',
      `limits.highWaterMark is ${limits.highWaterMark}; it must not exceed limits.hardLimit, ${limits.hardLimit}.`,
    )
  }
  for (const name of ['hardLimit', 'maxJournalBytes'] as const) {
    if (limits[name] >= 2 * limits.maxMessageSize) continue
    throw new RotundaError(
      'invalid_config',
      `limits.${name} is ${limits[name]}; it must be at least twice limits.maxMessageSize, ${limits.maxMessageSize}.`,
    )
  }
  const { idleTimeout, pingInterval } = limits
  if (idleTimeout > 0 && pingInterval > 0 && idleTimeout <= pingInterval) {
    throw new RotundaError(
      'invalid_config',
      `limits.idleTimeout is ${idleTimeout}, and limits.pingInterval ${pingInterval}: healthy but silent connections ` +
        'would be closed before they are pinged; make idleTimeout the longer one, or one of them 0.',
    )
  }
  return limits
}

function isLimit(name: string): name is keyof Limits {
  return Object.hasOwn(ALLOWED, name)
}
