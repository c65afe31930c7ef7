import { quote } from '../protocol/names.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { MAX_CONTROL_PAYLOAD } from './frame.ts'
import { FrameError } from './frame_error.ts'
import type { FrameHead } from './frame_head.ts'

/** Bytes of a frame or a message where no limit is given. */
export const DEFAULT_MAX_SIZE = 1_048_576
/** The largest limit that can be given: what any runtime can hold, and turn into text. */
export const LARGEST_MAX_SIZE = 268_435_456

const RSV1 = 0x40
const RSV = 0x70

/** What is read and what is refused. */
export interface FrameRules {
  /** Who reads: a server refuses frames that are not masked, a client those that are. Default: both are read. */
  readonly role?: 'server' | 'client' | undefined
  /** Most bytes of a frame's payload, up to 268,435,456. More is refused by the frame's head. Default 1,048,576. */
  readonly maxFrameSize?: number | undefined
  /** False reads whatever has an end: reserved bits and opcodes, long control frames, wrong masks. Default true. */
  readonly strict?: boolean | undefined
  /** Whether RSV1 is allowed: permessage-deflate was agreed on. Nothing is inflated here. Default false. */
  readonly rsv1?: boolean | undefined
}

/** The rules as they are checked. */
export interface CheckedRules {
  readonly strict: boolean
  readonly reserved: number
  /** Whether frames must or must not be masked; undefined where they may. */
  readonly masked: boolean | undefined
  readonly maxFrameSize: number
}

/** @throws {RotundaError} `invalid_config` */
export function checkedRules({ role, maxFrameSize, strict = true, rsv1 = false }: FrameRules): CheckedRules {
  return {
    strict,
    reserved: rsv1 ? RSV & ~RSV1 : RSV,
    masked: role === undefined ? undefined : role === 'server',
    maxFrameSize: checkedSize('maxFrameSize', maxFrameSize),
  }
}

/** @throws {RotundaError} `invalid_config` */
export function checkedSize(name: string, size: number = DEFAULT_MAX_SIZE): number {
  if (Number.isInteger(size) && size >= 0 && size <= LARGEST_MAX_SIZE) return size
  throw new RotundaError('invalid_config', `${name} is ${quote(size)}; it must be 0 to ${LARGEST_MAX_SIZE} bytes.`)
}

/** What a frame does against the rules, as far as its head tells. */
export function headError(head: FrameHead, rules: CheckedRules): FrameError | undefined {
  const { length } = head
  if (rules.strict) {
    const error = shapeError(head.bits, length, rules.reserved)
    if (error !== undefined) return error
    if (rules.masked !== undefined && head.masked !== rules.masked) {
      return new FrameError(
        1002,
        rules.masked ? 'A frame of a client is not masked.' : 'A frame of a server is masked.',
      )
    }
    if (head.lengthSize > 0 && length < (head.lengthSize === 2 ? 126 : 65_536)) {
      return new FrameError(1002, `A length of ${length} is written in ${head.lengthSize * 8} bits.`)
    }
  }
  if (length <= rules.maxFrameSize) return undefined
  if (length === Infinity) return new FrameError(1002, 'The first bit of a 64-bit length is set.')
  return new FrameError(1009, `A frame of ${length} bytes is larger than ${rules.maxFrameSize}.`)
}

/** What is wrong with a frame's first byte, or with its length for that byte. */
export function shapeError(bits: number, length: number, reserved: number = RSV): FrameError | undefined {
  if ((bits & reserved) !== 0) return new FrameError(1002, 'A reserved bit is set that no extension has defined.')
  const opcode = bits & 15
  if (opcode < 3) return undefined
  if (opcode < 8 || opcode > 10) return new FrameError(1002, `Opcode ${opcode} is reserved.`)
  if ((bits & 0x80) === 0) return new FrameError(1002, `A control frame (opcode ${opcode}) is fragmented.`)
  if (length <= MAX_CONTROL_PAYLOAD) return undefined
  return new FrameError(1002, `A control frame (opcode ${opcode}) has more than ${MAX_CONTROL_PAYLOAD} bytes.`)
}
