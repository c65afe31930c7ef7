import type { Contract } from '../../protocol/contract.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'
import type { StandardSchema } from '../../protocol/standard_schema.ts'
import type { Session } from '../session.ts'

/** How presence works. Times in seconds, fractions allowed; sizes in bytes. */
export interface PresenceOptions<C extends Contract, M> {
  /**
   * Who a session is: 1 to 128 printable characters. Sessions with the same result are one member, so that a user with
   * several tabs is shown once. Asked once a session, when it is first present. Default: the session's id.
   */
  readonly member?: (session: Session<C, M>) => string
  /**
   * How long a member whose connection is lost is still shown; when it is back by then nobody notices. 0 to 3,600,
   * default 5.
   */
  readonly grace?: number
  /** Largest state of a member, as JSON. 0 to 65,536, default 4,096. */
  readonly maxState?: number
  /**
   * Members on this node at once, over all rooms, those who lost their connection and may come back included: these make
   * way first, then it is refused with `overloaded`. 1 to 10,000,000, default 100,000.
   */
  readonly maxMembers?: number
  /** Checks what members say of themselves. Who says nothing has the state `null`, which is not checked. */
  readonly schema?: StandardSchema
  /**
   * With a broker: how long the members of a node are shown that is not heard of, after a crash. Nodes tell of
   * themselves three times a lease. 0.1 to 3,600, default 15; the same on all nodes.
   */
  readonly lease?: number
}

/** The options with their defaults; times in milliseconds. */
export interface PresenceSettings<C extends Contract, M> {
  readonly member: (session: Session<C, M>) => string
  readonly grace: number
  readonly maxState: number
  readonly maxMembers: number
  readonly schema: StandardSchema | undefined
  readonly lease: number
}

const RANGES = {
  grace: [0, 3_600, 5],
  maxState: [0, 65_536, 4_096],
  maxMembers: [1, 10_000_000, 100_000],
  lease: [0.1, 3_600, 15],
} as const

/** @throws {RotundaError} `invalid_config`, naming the option. */
export function checkPresence<C extends Contract, M>(
  options: PresenceOptions<C, M> = {},
): PresenceSettings<C, M> {
  const { member = (session) => session.id, schema } = options
  if (typeof member !== 'function') throw new RotundaError('invalid_config', 'presence.member must be a function.')
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw new RotundaError('invalid_config', 'presence.schema must be a Standard Schema, such as z.object({…}).')
  }
  return {
    member,
    schema,
    grace: read('grace', options.grace) * 1000,
    maxState: read('maxState', options.maxState),
    maxMembers: read('maxMembers', options.maxMembers),
    lease: read('lease', options.lease) * 1000,
  }
}

function read(name: keyof typeof RANGES, given: unknown): number {
  const [least, most, normal] = RANGES[name]
  if (given === undefined) return normal
  const isTime = name === 'grace' || name === 'lease'
  if (typeof given === 'number' && given >= least && given <= most && (isTime || Number.isInteger(given))) return given
  const kind = isTime ? 'a number of seconds' : 'a whole number'
  const message = `presence.${name} is ${quote(given)}; it must be ${kind} from ${least} to ${most}.`
  throw new RotundaError('invalid_config', message)
}
