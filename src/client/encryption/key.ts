import { fromBase64, toBase64 } from '../../protocol/base64.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'

/** Bytes of a room's key. */
const LENGTH = 32
/** A room's key only ever makes other keys, one for each sender; an HMAC is what WebCrypto has for that. */
const HMAC = { name: 'HMAC', hash: 'SHA-256', length: 8 * LENGTH }
/** What OWASP asks of PBKDF2 with SHA-256. */
const ITERATIONS = 600_000
const MIN_SALT = 8

const encoder = new TextEncoder()

/** A room's key: 32 bytes, these in base64, or what {@link importKey} or {@link deriveKey} made. */
export type RoomKey = CryptoKey | Uint8Array | string

/** How a key is derived from a passphrase. */
export interface DeriveOptions {
  /** Rounds of PBKDF2, 600,000 (the default) or more; the same for everybody in the room. */
  readonly iterations?: number | undefined
}

/** Makes a new random key as text, 44 characters of base64: what members share, and as secret as the room. */
export function generateKey(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(LENGTH)))
}

/**
 * Makes 32 bytes, or the text of {@link generateKey}, a key that cannot be read out again. IndexedDB keeps it as it is.
 * @throws {RotundaError} As rejection: `invalid_config` for what is no key, and where there is no WebCrypto.
 */
export async function importKey(key: string | Uint8Array): Promise<CryptoKey> {
  return await toCryptoKey(checkKey(key))
}

/**
 * Derives a key from a passphrase: the same for everybody who gives the same passphrase, salt and iterations.
 *
 * Whoever has one message of the room, the server first of all, can try passphrases against it, some ten thousand a
 * second with one graphics card: what people make up themselves is found. Use {@link generateKey}, or six random words.
 *
 * @param salt 8 bytes or more, another for each room; not secret. A text stands for its UTF-8.
 * @throws {RotundaError} As rejection: `invalid_config`
 */
export async function deriveKey(
  passphrase: string,
  salt: string | Uint8Array,
  { iterations = ITERATIONS }: DeriveOptions = {},
): Promise<CryptoKey> {
  const salted = typeof salt === 'string' ? encoder.encode(salt) : new Uint8Array(salt)
  if (passphrase === '') throw wrong('A passphrase must not be empty.')
  if (salted.length < MIN_SALT) throw wrong(`A salt must have ${MIN_SALT} bytes or more, not ${salted.length}.`)
  if (!Number.isInteger(iterations) || iterations < ITERATIONS) {
    throw wrong(`iterations is ${iterations}; it must be a whole number from ${ITERATIONS}.`)
  }
  // Systems differ in how they compose the same letters.
  const typed = encoder.encode(passphrase.normalize('NFC'))
  const base = await subtle().importKey('raw', typed, 'PBKDF2', false, ['deriveKey'])
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: salted, iterations }
  return await subtle().deriveKey(how, base, HMAC, false, ['sign'])
}

/**
 * Looks whether something is a room's key; bytes are copied.
 * @throws {RotundaError} `invalid_config`
 */
export function checkKey(key: RoomKey): CryptoKey | Uint8Array<ArrayBuffer> {
  subtle()
  const bytes = typeof key === 'string' ? fromBase64(key) : key
  if (bytes instanceof Uint8Array && bytes.length === LENGTH) return new Uint8Array(bytes)
  if (typeof key === 'object' && !(key instanceof Uint8Array)) {
    const { name, hash, length } = (key?.algorithm ?? {}) as Partial<HmacKeyAlgorithm>
    const fits = name === HMAC.name && hash?.name === HMAC.hash && length === HMAC.length
    if (fits && key.usages.includes('sign')) return key
  }
  // Not quoted: it may be most of a key.
  throw wrong(`A room's key must be ${LENGTH} bytes, these in base64, or made by importKey or deriveKey.`)
}

/** A checked key as WebCrypto uses it. */
export async function toCryptoKey(key: CryptoKey | Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return key instanceof Uint8Array ? await subtle().importKey('raw', key, HMAC, false, ['sign']) : key
}

function subtle(): SubtleCrypto {
  // Browsers keep it from pages that came without TLS, which the types do not say.
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto }
  if (subtle) return subtle
  throw wrong('Encryption needs WebCrypto, which browsers have on https pages and on localhost only.')
}

function wrong(message: string): RotundaError {
  return new RotundaError('invalid_config', message)
}
