import { RotundaError } from '../protocol/rotunda_error.ts'
import { quote } from '../protocol/names.ts'
import { closePayload } from './close_payload.ts'
import { headSize, writeHead } from './frame_head.ts'
import { applyMask, randomMaskKey } from './mask.ts'

/** The opcodes that RFC 6455 §5.2 gives a meaning to. All others, up to 15, are reserved. */
export const FRAME_OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Most bytes of a control frame's payload (close, ping and pong). */
export const MAX_CONTROL_PAYLOAD = 125

/** What a frame is made of. Also what RFC 6455 forbids can be made, to test what is done about it. */
export interface FrameFields {
  /** 0 to 15. */
  readonly opcode: number
  /** Whether a message ends with this frame. Default true. */
  readonly fin?: boolean | undefined
  readonly rsv1?: boolean | undefined
  readonly rsv2?: boolean | undefined
  readonly rsv3?: boolean | undefined
  /** Text becomes UTF-8. Default: nothing. */
  readonly payload?: string | Uint8Array | undefined
  /** Four bytes. Without them the frame is not masked. */
  readonly maskKey?: Uint8Array | undefined
}

/** What can be chosen for a frame of a given kind. */
export type FrameOptions = Pick<FrameFields, 'fin' | 'maskKey'>

/** How a head is written. */
export interface HeadOptions {
  /** Bits that the length is written in. Default: as few as it fits in, as RFC 6455 demands. */
  readonly lengthBits?: 7 | 16 | 64
}

const encoder = new TextEncoder()
const NOTHING = new Uint8Array()

/**
 * A frame of RFC 6455 §5.2. Its payload is never masked; `encode` masks a copy where the frame has a key.
 *
 * @example
 * ```ts
 * socket.write(Frame.text('Hello').encode())
 * socket.write(Frame.text('Hello', { maskKey: randomMaskKey() }).encode())
 * ```
 */
export class Frame {
  readonly fin: boolean
  readonly rsv1: boolean
  readonly rsv2: boolean
  readonly rsv3: boolean
  readonly opcode: number
  readonly payload: Uint8Array
  readonly maskKey: Uint8Array | undefined

  /** @throws {RotundaError} `invalid_frame`: an opcode or a masking key that cannot be written. */
  constructor(fields: FrameFields) {
    const { opcode, fin = true, rsv1 = false, rsv2 = false, rsv3 = false, payload = NOTHING, maskKey } = fields
    checkHead(opcode, maskKey)
    this.fin = fin
    this.rsv1 = rsv1
    this.rsv2 = rsv2
    this.rsv3 = rsv3
    this.opcode = opcode
    this.payload = typeof payload === 'string' ? encoder.encode(payload) : payload
    this.maskKey = maskKey
  }

  /** A text message, or with `fin: false` the first fragment of one. Halves of surrogate pairs become U+FFFD. */
  static text(text: string, options: FrameOptions = {}): Frame {
    return new Frame({ ...options, opcode: FRAME_OPCODE.text, payload: text })
  }

  /** A binary message, or with `fin: false` the first fragment of one. */
  static binary(bytes: Uint8Array, options: FrameOptions = {}): Frame {
    return new Frame({ ...options, opcode: FRAME_OPCODE.binary, payload: bytes })
  }

  /** The next fragment of a message; the last one unless `fin: false`. */
  static continuation(payload: string | Uint8Array, options: FrameOptions = {}): Frame {
    return new Frame({ ...options, opcode: FRAME_OPCODE.continuation, payload })
  }

  /** @throws {RotundaError} `invalid_frame`: more than 125 bytes. */
  static ping(payload: string | Uint8Array = NOTHING, options: Pick<FrameOptions, 'maskKey'> = {}): Frame {
    return control(FRAME_OPCODE.ping, payload, options.maskKey)
  }

  /** @throws {RotundaError} `invalid_frame`: more than 125 bytes. */
  static pong(payload: string | Uint8Array = NOTHING, options: Pick<FrameOptions, 'maskKey'> = {}): Frame {
    return control(FRAME_OPCODE.pong, payload, options.maskKey)
  }

  /** @throws {RotundaError} `invalid_frame`: a code that may not be sent, or more than 123 bytes of reason. */
  static close(code?: number, reason: string = '', options: Pick<FrameOptions, 'maskKey'> = {}): Frame {
    return control(FRAME_OPCODE.close, closePayload(code, reason), options.maskKey)
  }

  /** Whether it goes over the wire masked, as those of a client must. */
  get masked(): boolean {
    return this.maskKey !== undefined
  }

  /** The same frame, masked: with a random key unless one is given. */
  mask(key: Uint8Array = randomMaskKey()): Frame {
    return new Frame({ ...this, maskKey: key })
  }

  /**
   * The frame's bytes, in memory of their own.
   * @throws {RotundaError} `invalid_frame`: the payload is too long for `lengthBits`.
   */
  encode(options: HeadOptions = {}): Uint8Array {
    const { payload, maskKey } = this
    const lengthSize = lengthSizeOf(payload.length, options.lengthBits)
    const from = headSize(lengthSize, this.masked)
    const bytes = new Uint8Array(from + payload.length)
    writeHead(bytes, bitsOf(this), payload.length, lengthSize, maskKey)
    bytes.set(payload, from)
    if (maskKey !== undefined) applyMask(bytes.subarray(from), maskKey)
    return bytes
  }
}

/**
 * The bytes before a payload of which only the length is told: for a frame that is sent in pieces, or never whole.
 * @throws {RotundaError} `invalid_frame`: an opcode, a key or a length that cannot be written.
 */
export function encodeHead(
  head: Omit<FrameFields, 'payload'> & { readonly length: number },
  options: HeadOptions = {},
): Uint8Array {
  const { opcode, length, maskKey } = head
  checkHead(opcode, maskKey)
  const lengthSize = lengthSizeOf(length, options.lengthBits)
  const bytes = new Uint8Array(headSize(lengthSize, maskKey !== undefined))
  writeHead(bytes, bitsOf(head), length, lengthSize, maskKey)
  return bytes
}

/** The first byte of a frame. */
export function bitsOf({ opcode, fin = true, rsv1, rsv2, rsv3 }: Omit<FrameFields, 'payload'>): number {
  return (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | (rsv2 ? 0x20 : 0) | (rsv3 ? 0x10 : 0) | opcode
}

function control(opcode: number, payload: string | Uint8Array, maskKey: Uint8Array | undefined): Frame {
  const frame = new Frame({ opcode, payload, maskKey })
  const { length } = frame.payload
  if (length <= MAX_CONTROL_PAYLOAD) return frame
  throw new RotundaError(
    'invalid_frame',
    `The payload of a control frame has at most ${MAX_CONTROL_PAYLOAD} bytes, not ${length}.`,
  )
}

function checkHead(opcode: number, maskKey: Uint8Array | undefined): void {
  if (!Number.isInteger(opcode) || opcode < 0 || opcode > 15) {
    throw new RotundaError('invalid_frame', `Opcode ${quote(opcode)} is not a whole number from 0 to 15.`)
  }
  if (maskKey !== undefined && maskKey.length !== 4) {
    throw new RotundaError('invalid_frame', `A masking key has 4 bytes, not ${maskKey.length}.`)
  }
}

function lengthSizeOf(length: number, bits?: 7 | 16 | 64): 0 | 2 | 8 {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RotundaError('invalid_frame', `A length is a whole number from 0, not ${quote(length)}.`)
  }
  const least = length < 126 ? 7 : length < 65_536 ? 16 : 64
  if (bits !== undefined && bits < least) {
    throw new RotundaError('invalid_frame', `A length of ${length} does not fit in ${bits} bits.`)
  }
  const chosen = bits ?? least
  return chosen === 7 ? 0 : chosen === 16 ? 2 : 8
}
