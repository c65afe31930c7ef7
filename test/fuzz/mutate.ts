import type { Random } from '../conformance/random.ts'

/** Numbers at which readers go wrong. */
const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0x8000,
  0xffff,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_fffc,
  0xffff_ffff,
]

/** What means something in a JSON frame. */
const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u',
    '\\u005f_proto__',
    '"__proto__":',
    '"type":',
    '"ref":',
    '"room":',
  ],
  ...['"payload":', '"encoding":"base64",', '"to":"*",', '"kind":1,', 'null', 'true', '-', '1e999', '0'.repeat(40)],
  ...['"seq":-1,', '"traceparent":"00-', '\u0000', '\ud800', '\ufeff', '[[[[[[[[', '{"a":{"a":{"a":', 'x'.repeat(100)],
]

/** A frame of bytes that is another one changed in some places; `other` is one to take pieces of. */
export function mutateBytes(frame: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array<ArrayBuffer> = frame.slice()
  for (let changes = random.pick([1, 1, 1, 2, 4, 16]); changes > 0 && bytes.length > 4; changes--) {
    bytes = mutateOnce(bytes, other, random)
  }
  return bytes
}

function mutateOnce(bytes: Uint8Array<ArrayBuffer>, other: Uint8Array, random: Random): Uint8Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer)
  const at = random.whole(0, bytes.length - 1)
  const even = Math.min(at & ~1, bytes.length - 4)
  const word = Math.min(at & ~3, (bytes.length & ~3) - 4)
  switch (random.whole(0, 9)) {
    case 0: // A bit.
      bytes[at] = bytes[at]! ^ (1 << random.whole(0, 7))
      return bytes
    case 1: // A number of a vtable, or a length.
      view.setUint16(even, random.pick(NUMBERS), true)
      return bytes
    case 2: // An offset or a length.
      view.setUint32(word, random.pick(NUMBERS), true)
      return bytes
    case 3: // An offset that leads somewhere inside of the frame.
      view.setUint32(word, random.whole(0, bytes.length - word), true)
      return bytes
    case 4: // An offset or a length that is a little off.
      view.setUint32(word, view.getUint32(word, true) + random.whole(-8, 8), true)
      return bytes
    case 5: // Something that stands elsewhere.
      bytes.copyWithin(at, random.whole(0, bytes.length - 1), random.whole(0, bytes.length))
      return bytes
    case 6: // Something of another frame, at the same place.
      bytes.set(other.subarray(at, at + Math.min(random.whole(0, 64), bytes.length - at)), at)
      return bytes
    case 7: // Cut off.
      return bytes.slice(0, at)
    case 8: // Longer.
      return joined(bytes.subarray(0, at), other.subarray(0, random.whole(0, 200)), bytes.subarray(at))
    default: // Shorter.
      return joined(bytes.subarray(0, at), bytes.subarray(at + random.whole(0, 8)))
  }
}

/** Bytes one after the other. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Bytes that are no frame, some of them with the beginning of one. */
export function randomBytes(start: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: random.pick([0, 3, 8, 40, 200]) }, () => random.whole(0, 255))
  if (random.chance(0.7)) bytes.set(start.subarray(0, Math.min(random.pick([8, 28, 32]), bytes.length)))
  return bytes
}

/** The same for a frame of text. */
export function mutateText(frame: string, other: string, random: Random): string {
  let text = frame
  for (let changes = random.pick([1, 1, 1, 2, 4, 16]); changes > 0; changes--) {
    const at = random.whole(0, text.length)
    const piece = random.whole(0, 5)
    const inserted = piece === 0
      ? random.text(4)
      : piece < 4
      ? random.pick(PIECES)
      : other.slice(random.whole(0, other.length)).slice(0, random.whole(0, 64))
    text = random.chance(0.1) ? text.slice(0, at) : text.slice(0, at) + inserted + text.slice(at + random.whole(0, 8))
  }
  return text
}

export function randomText(random: Random): string {
  return Array.from({ length: random.whole(0, 12) }, () => random.chance(0.7) ? random.pick(PIECES) : random.text(5))
    .join('')
}
