/** Names up to this many bytes are remembered. */
const LONGEST = 40
/** How many names are remembered; a power of two. */
const NAMES = 256
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

interface Name {
  readonly bytes: Uint8Array
  readonly text: string
}

const names = new Array<Name | undefined>(NAMES).fill(undefined)

/**
 * The text of some bytes. Short ones are put together by hand as long as they are ASCII, and ids, which have 20 digits:
 * calling the decoder costs more.
 * @throws {TypeError} when they are not UTF-8.
 */
export function readText(bytes: Uint8Array, start: number, length: number): string {
  if ((length <= 8 || length === 20) && isAscii(bytes, start, length)) return ascii(bytes, start, length)
  return decoder.decode(bytes.subarray(start, start + length))
}

/** The same for what is said again and again, such as rooms and types: comparing costs less than decoding. */
export function readName(bytes: Uint8Array, start: number, length: number): string {
  if (length === 0 || length > LONGEST) return readText(bytes, start, length)
  const slot = hash(bytes, start, length)
  const known = names[slot]
  if (known !== undefined && isSame(known.bytes, bytes, start, length)) return known.text
  const text = decoder.decode(bytes.subarray(start, start + length))
  // Copied, since what it is cut from would live as long.
  names[slot] = { bytes: bytes.slice(start, start + length), text }
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

function isAscii(bytes: Uint8Array, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) if (bytes[i]! > 127) return false
  return true
}

const from = String.fromCharCode

// deno-fmt-ignore -- one line a length
function ascii(b: Uint8Array, i: number, length: number): string {
  switch (length) {
    case 0: return ''
    case 1: return from(b[i]!)
    case 2: return from(b[i]!, b[i + 1]!)
    case 3: return from(b[i]!, b[i + 1]!, b[i + 2]!)
    case 4: return from(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!)
    case 5: return from(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!)
    case 6: return from(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!)
    case 7: return from(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!)
    case 8: return from(b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!)
    default: return from(
      b[i]!, b[i + 1]!, b[i + 2]!, b[i + 3]!, b[i + 4]!, b[i + 5]!, b[i + 6]!, b[i + 7]!, b[i + 8]!, b[i + 9]!,
      b[i + 10]!, b[i + 11]!, b[i + 12]!, b[i + 13]!, b[i + 14]!, b[i + 15]!, b[i + 16]!, b[i + 17]!, b[i + 18]!,
      b[i + 19]!,
    )
  }
}
