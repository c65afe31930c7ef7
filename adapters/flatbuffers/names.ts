import { decodeText } from './decode_text.ts'

/** Longer names are not remembered. */
const LONGEST = 40
/** How many names are remembered; a power of two. */
const NAMES = 256

interface Name {
  readonly bytes: Uint8Array
  readonly text: string
}

const names = new Array<Name | undefined>(NAMES).fill(undefined)

/**
 * The text of what is said again and again, such as rooms and types: comparing costs less than decoding. Undefined for
 * what is too long to be remembered.
 * @throws {TypeError} when they are not UTF-8.
 */
export function readName(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length === 0 || length > LONGEST) return undefined
  const slot = hash(bytes, start, length)
  const known = names[slot]
  if (known !== undefined && isSame(known.bytes, bytes, start, length)) return known.text
  // Copied, since what it is cut from would live as long.
  const own = bytes.slice(start, start + length)
  const text = decodeText(own)
  names[slot] = { bytes: own, text }
  return text
}

function hash(bytes: Uint8Array, start: number, length: number): number {
  const last = bytes[start + length - 1]!
  const middle = bytes[start + (length >> 1)]!
  return (length * 31 + bytes[start]! * 7 + middle * 13 + last * 17) & (NAMES - 1)
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
