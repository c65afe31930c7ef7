import { fromBase64, toBase64 } from '../../protocol/base64.ts'

const LABEL = new TextEncoder().encode('rotunda encryption 1')
const SALT_LENGTH = 12
const IV_LENGTH = 24
/** The salt in base64, which its 12 bytes fill to the last bit. */
const SALT_TEXT = 16
/** Messages under one salt. */
const MAX_COUNT = 2 ** 32
/** Senders whose keys are remembered. */
const MAX_SENDERS = 1_000

/** What encrypts one message, or decrypts it. */
export interface MessageKey {
  readonly key: CryptoKey
  readonly nonce: Uint8Array<ArrayBuffer>
}

/**
 * The keys of single messages, made from a room's key.
 *
 * AES-GCM is broken where a nonce is used twice under one key, and the members of a room share a key without knowing
 * how much the others send: with random nonces it would be good for 2^32 messages of all members together. Here every
 * member derives a key of its own from the room's with a random salt, and counts under it. `iv` is salt (12 bytes),
 * counter (4) and random bytes (8): one member's messages differ in the counter, those of two in the salt, and those of
 * a machine that was cloned with its memory in the random bytes. When the counter is used up there is a new salt. For
 * two equal ones to be as likely as 2^-32 it takes 2^64 messages under one room key.
 */
export class SenderKeys {
  readonly #roomKey: Promise<CryptoKey>
  readonly #maxCount: number
  readonly #bySalt = new Map<string, Promise<CryptoKey>>()
  #own: { readonly salt: Uint8Array; readonly key: Promise<CryptoKey>; count: number } | undefined

  /** @param maxCount Messages under one salt, at most 2^32. */
  constructor(roomKey: Promise<CryptoKey>, maxCount = MAX_COUNT) {
    this.#roomKey = roomKey
    this.#maxCount = maxCount
  }

  /** What encrypts the next message, and the `iv` under which it is found again. */
  async next(): Promise<MessageKey & { readonly iv: string }> {
    if (this.#own === undefined || this.#own.count >= this.#maxCount) {
      const salt = crypto.getRandomValues(new Uint8Array(SALT_LENGTH))
      this.#own = { salt, key: this.#derived(toBase64(salt), salt), count: 0 }
    }
    const { salt, key } = this.#own
    const iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH))
    iv.set(salt)
    new DataView(iv.buffer).setUint32(SALT_LENGTH, this.#own.count++)
    return { key: await key, nonce: iv.subarray(SALT_LENGTH), iv: toBase64(iv) }
  }

  /** What decrypts the message with this `iv`, whose form was checked. */
  async find(iv: string): Promise<MessageKey> {
    const bytes = new Uint8Array(fromBase64(iv) ?? [])
    const key = await this.#derived(iv.slice(0, SALT_TEXT), bytes.subarray(0, SALT_LENGTH))
    return { key, nonce: bytes.subarray(SALT_LENGTH) }
  }

  #derived(name: string, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
    const key = this.#bySalt.get(name) ?? this.#derive(salt)
    // The one that was not needed for longest comes first.
    this.#bySalt.delete(name)
    this.#bySalt.set(name, key)
    for (const oldest of this.#bySalt.keys()) {
      if (this.#bySalt.size <= MAX_SENDERS) break
      this.#bySalt.delete(oldest)
    }
    return key
  }

  async #derive(salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
    const { subtle } = crypto
    const input = new Uint8Array([...LABEL, ...salt])
    return await subtle.importKey('raw', await subtle.sign('HMAC', await this.#roomKey, input), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ])
  }
}
