import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import { ALLOWED, checkLimits, type Limits } from '../hub/mod.ts'

const SHARED = [
  'maxMessageSize',
  'maxConnections',
  'idleTimeout',
  'pingInterval',
  'pongTimeout',
  'maxInboundQueue',
  'highWaterMark',
  'hardLimit',
] as const

/**
 * Every bound of a raw service. What is not given is as in its hub's limits, where each is described; here
 * `maxConnections` counts the service's own connections, beside the hub's limit for all of them, `maxInboundQueue` the
 * frames of a connection that nobody has read or finished handling, and above `highWaterMark` `send` says `buffered`.
 */
export interface RawLimits extends Pick<Limits, typeof SHARED[number]> {
  /** Bytes of the frames that nobody has read or finished handling. Default: 16 times `maxMessageSize`. */
  readonly maxInboundBytes: number
}

/** How many frames of the largest size may wait when `maxInboundBytes` is not given. */
const LARGEST_FRAMES = 16
const MOST_INBOUND_BYTES = 1024 ** 3

/**
 * Fills in what the hub has and checks every value.
 * @throws {RotundaError} `invalid_config`, naming the setting, its value and what is allowed.
 */
export function checkRawLimits(given: Partial<RawLimits>, hub: Limits): RawLimits {
  const known: readonly string[] = [...SHARED, 'maxInboundBytes']
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    const names = known.join(', ')
    throw new RotundaError('invalid_config', `limits.${unknown} is no setting of a raw service; there are: ${names}.`)
  }
  const shared = Object.fromEntries(SHARED.map((name) => [name, given[name] ?? hub[name]])) as Pick<
    Limits,
    keyof Limits
  >
  // There is no journal here that the largest frame would have to fit into.
  const limits = checkLimits({ ...shared, maxJournalBytes: ALLOWED.maxJournalBytes[1] })
  const { maxInboundBytes = limits.maxMessageSize * LARGEST_FRAMES } = given
  const fits = Number.isInteger(maxInboundBytes) && maxInboundBytes >= limits.maxMessageSize
  if (!fits || maxInboundBytes > MOST_INBOUND_BYTES) {
    throw new RotundaError(
      'invalid_config',
      `limits.maxInboundBytes is ${quote(maxInboundBytes)}; it must be a whole number from limits.maxMessageSize, ` +
        `${limits.maxMessageSize}, to ${MOST_INBOUND_BYTES}.`,
    )
  }
  return { ...pick(limits), maxInboundBytes }
}

function pick(limits: Limits): Pick<Limits, typeof SHARED[number]> {
  return Object.fromEntries(SHARED.map((name) => [name, limits[name]])) as Pick<Limits, typeof SHARED[number]>
}
