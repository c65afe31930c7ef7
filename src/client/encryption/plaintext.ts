import { holdsPrototypeKey } from '../../protocol/prototype_key.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'

const JSON_TEXT = 0
const BYTES = 1
/** Stands after the content; zeros may follow (ISO/IEC 7816-4). */
const END = 0x80

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * A payload as the bytes that are encrypted: what it is, its content, where it ends.
 * @param padding Their number becomes a multiple of this.
 * @throws {RotundaError} `invalid_payload` for what JSON cannot say.
 */
export function toPlaintext(payload: unknown, padding: number): Uint8Array<ArrayBuffer> {
  const isBytes = payload instanceof Uint8Array
  const content = isBytes ? payload : encoder.encode(jsonOf(payload))
  const plaintext = new Uint8Array(Math.ceil((content.length + 2) / padding) * padding)
  plaintext[0] = isBytes ? BYTES : JSON_TEXT
  plaintext.set(content, 1)
  plaintext[content.length + 1] = END
  return plaintext
}

/**
 * The payload in decrypted bytes.
 * @throws when whoever encrypted them broke the rules.
 */
export function fromPlaintext(plaintext: Uint8Array): unknown {
  let end = plaintext.length - 1
  while (plaintext[end] === 0) end -= 1
  if (end < 1 || plaintext[end] !== END) throw new TypeError('no end')
  // A copy, so that the rest of what was decrypted is not handed out with it.
  if (plaintext[0] === BYTES) return plaintext.slice(1, end)
  if (plaintext[0] !== JSON_TEXT) throw new TypeError('neither JSON nor bytes')
  const text = decoder.decode(plaintext.subarray(1, end))
  const value: unknown = JSON.parse(text)
  // What a server refuses in the payloads that it can read.
  if (holdsPrototypeKey(text, value)) throw new TypeError('a key named __proto__')
  return value
}

function jsonOf(payload: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(payload)
  } catch (cause) {
    throw new RotundaError('invalid_payload', 'payload: cannot be written as JSON', { cause })
  }
  if (text === undefined) throw new RotundaError('invalid_payload', 'payload: is not a JSON value')
  return text
}
