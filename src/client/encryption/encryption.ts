import { fromBase64, toBase64 } from '../../protocol/base64.ts'
import { type EncryptedPayload, readEncryptedPayload } from '../../protocol/encrypted_payload.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import { InOrder } from '../in_order.ts'
import type { Cipher, FoundAt, SealedFor } from './cipher.ts'
import { fromPlaintext, toPlaintext } from './plaintext.ts'
import { Places } from './places.ts'
import type { RoomKeys } from './room_keys.ts'
import type { MessageKey, SenderKeys } from './sender_keys.ts'

/** How payloads are encrypted. */
export interface EncryptionOptions {
  /**
   * Payloads are filled up to a multiple of so many bytes, so that their sizes tell less; 1 to 65,536. Default 1: the
   * size of a message is that of its payload.
   */
  readonly padding?: number | undefined
}

const VERSION = 1
const MAX_PADDING = 65_536

const encoder = new TextEncoder()

/**
 * Encrypts a room's payloads from member to member. Given to `client.join`, one for each room: its handlers get what
 * was decrypted, its `onError` is told what could not be, with `decryption_failed` or `unknown_encryption_key`, each
 * message by itself.
 *
 * AES-256-GCM under a key of the sender's own, derived from the room's. A message opens only in its room, as its type,
 * under its producer key and key id. See docs/encryption.md for what the server learns all the same.
 *
 * @throws {RotundaError} `invalid_config`
 * @example
 * ```ts
 * const keys = roomKeys({ current: 'k1', keys: { k1: await deriveKey(passphrase, 'secret-1 of example.org') } })
 * const room = client.join('secret-1', { cipher: encryption(keys, { padding: 256 }) })
 * ```
 */
export function encryption(keys: RoomKeys, { padding = 1 }: EncryptionOptions = {}): Cipher {
  if (!Number.isInteger(padding) || padding < 1 || padding > MAX_PADDING) {
    const message = `padding is ${padding}; it must be a whole number from 1 to ${MAX_PADDING}.`
    throw new RotundaError('invalid_config', message)
  }
  const places = new Places()
  const opening = new InOrder()
  return {
    async seal(payload, about) {
      // First, since the application may change the payload once it has its promise.
      const plaintext = toPlaintext(payload, padding)
      const kid = keys.current
      const { iv, ...how } = await (await keys.get(kid)).next()
      const { key } = about
      const ct = await crypto.subtle.encrypt(parameters(how, kid, about), how.key, plaintext)
      return { v: VERSION, kid, key, iv, ct: toBase64(new Uint8Array(ct)) } satisfies EncryptedPayload
    },
    open: (payload, about) =>
      new Promise((resolve, reject) => {
        const sealed = readEncryptedPayload(payload)
        if (sealed === undefined) return reject(failed('The payload is not encrypted, or not in a way known here.'))
        // Of two that are the same the one that came first is genuine, not the one that was decrypted first.
        opening.add(
          async () => open(await keys.get(sealed.kid), sealed, about),
          (opened) => {
            if (!places.isElsewhere(about, sealed)) resolve(opened)
            else reject(failed('The same message was delivered in another place already.'))
          },
          reject,
        )
      }),
  }
}

async function open(
  keys: SenderKeys,
  { kid, key, iv, ct }: EncryptedPayload,
  { room, type }: FoundAt,
): Promise<unknown> {
  try {
    const how = await keys.find(iv)
    const data = new Uint8Array(fromBase64(ct) ?? [])
    const plaintext = await crypto.subtle.decrypt(parameters(how, kid, { room, type, key }), how.key, data)
    return fromPlaintext(new Uint8Array(plaintext))
  } catch (cause) {
    throw failed('The payload was changed, belongs elsewhere, or was encrypted with another key of this id.', cause)
  }
}

/** Each part with its length before it, so that no two messages have the same ones. */
function parameters({ nonce }: MessageKey, kid: string, { room, type, key }: SealedFor): AesGcmParams {
  const parts = [`rotunda encryption ${VERSION}`, room, type, key, kid].map((part) => encoder.encode(part))
  const additionalData = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0))
  const view = new DataView(additionalData.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    additionalData.set(part, at + 4)
    at += 4 + part.length
  }
  return { name: 'AES-GCM', iv: nonce, additionalData }
}

function failed(message: string, cause?: unknown): RotundaError {
  return new RotundaError('decryption_failed', message, { cause })
}
