/** Most bytes before a payload: two, a length of 64 bits, a masking key. */
export const MAX_HEAD_SIZE = 14
const TWO_TO_32 = 4_294_967_296

/** What stands before a frame's payload. One that a scanner hands out is overwritten by the next frame. */
export class FrameHead {
  /** The first byte: FIN, RSV1 to RSV3 and the opcode. */
  bits = 0
  masked = false
  /** Bytes of the payload. Infinity where the first bit of a 64-bit length is set, which RFC 6455 forbids. */
  length = 0
  /** Bytes that the length takes beyond the seven bits of the second byte: 0, 2 or 8. */
  lengthSize: 0 | 2 | 8 = 0
  /** Meaningless unless `masked`. */
  readonly maskKey: Uint8Array = new Uint8Array(4)

  get fin(): boolean {
    return (this.bits & 0x80) !== 0
  }

  get rsv1(): boolean {
    return (this.bits & 0x40) !== 0
  }

  get rsv2(): boolean {
    return (this.bits & 0x20) !== 0
  }

  get rsv3(): boolean {
    return (this.bits & 0x10) !== 0
  }

  get opcode(): number {
    return this.bits & 15
  }
}

/** Reads the head that begins at a place. Gives its size; 0, and the head undefined, while not all of it is there. */
export function readHead(bytes: Uint8Array, at: number, end: number, head: FrameHead): number {
  if (end - at < 2) return 0
  const second = bytes[at + 1]!
  // Servers send hardly anything but these two; the general way takes several times as long.
  if (second < 126) return filled(head, bytes[at]!, second, 0)
  if (second === 126 && end - at >= 4) return filled(head, bytes[at]!, bytes[at + 2]! << 8 | bytes[at + 3]!, 2)
  return readOtherHead(bytes, at, end, head)
}

/** Of a frame that is not masked. */
function filled(head: FrameHead, bits: number, length: number, lengthSize: 0 | 2): number {
  head.bits = bits
  head.masked = false
  head.length = length
  head.lengthSize = lengthSize
  return 2 + lengthSize
}

function readOtherHead(bytes: Uint8Array, at: number, end: number, head: FrameHead): number {
  const second = bytes[at + 1]!
  const masked = second > 127
  let length = second & 127
  const lengthSize = length < 126 ? 0 : length === 126 ? 2 : 8
  const size = headSize(lengthSize, masked)
  if (end - at < size) return 0
  if (lengthSize === 2) length = bytes[at + 2]! << 8 | bytes[at + 3]!
  else if (lengthSize === 8) {
    length = bytes[at + 2]! > 127 ? Infinity : uint32(bytes, at + 2) * TWO_TO_32 + uint32(bytes, at + 6)
  }
  if (masked) {
    const key = at + size - 4
    for (let i = 0; i < 4; i++) head.maskKey[i] = bytes[key + i]!
  }
  head.bits = bytes[at]!
  head.masked = masked
  head.length = length
  head.lengthSize = lengthSize
  return size
}

/** Bytes that a head takes. */
export function headSize(lengthSize: 0 | 2 | 8, masked: boolean): number {
  return 2 + lengthSize + (masked ? 4 : 0)
}

/** Writes a head at the beginning of bytes that have room for it. */
export function writeHead(
  into: Uint8Array,
  bits: number,
  length: number,
  lengthSize: 0 | 2 | 8,
  maskKey: Uint8Array | undefined,
): void {
  into[0] = bits
  into[1] = (maskKey === undefined ? 0 : 0x80) | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127)
  let rest = length
  for (let i = 1 + lengthSize; i > 1; i--) {
    into[i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  if (maskKey !== undefined) into.set(maskKey, 2 + lengthSize)
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0
}
