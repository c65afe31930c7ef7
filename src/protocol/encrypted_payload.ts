import { isPrintable, MAX_PRODUCER_KEY } from './names.ts'

/** The payload of an event in an encrypted room, as it travels and is stored. */
export interface EncryptedPayload {
  /** How it was made; there is one way. */
  readonly v: 1
  /** Names the key that opens it: 1 to 64 printable characters. */
  readonly kid: string
  /** The producer key that it was published under; empty where it had none. */
  readonly key: string
  /** 24 bytes in base64, never the same twice. */
  readonly iv: string
  /** Ciphertext and tag in base64: 18 bytes or more. */
  readonly ct: string
}

/** Longest key id, in UTF-16 code units. */
export const MAX_KEY_ID = 64

const IV_BYTES = 24
/** A tag of 16 bytes, and what says what the content is and where it ends. */
const MIN_CT_BYTES = 18
/** Two simple patterns, since one with groups can run out of stack on long texts. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** What is left over of the last characters must be zero: the same bytes are always the same text. */
const LAST = /(?:[A-Za-z0-9+/]{2}|[A-Za-z0-9+/][AEIMQUYcgkosw048]=|[AQgw]==)$/

/** A payload as an encrypted one; undefined when it is anything else, be it by one field too many. */
export function readEncryptedPayload(payload: unknown): EncryptedPayload | undefined {
  if (typeof payload !== 'object' || payload === null || Object.keys(payload).length !== 5) return undefined
  const { v, kid, key, iv, ct } = payload as Partial<Record<keyof EncryptedPayload, unknown>>
  if (v !== 1 || !isKeyId(kid)) return undefined
  if (typeof key !== 'string' || key.length > MAX_PRODUCER_KEY || !isPrintable(key)) return undefined
  if (!isBase64(iv) || bytesIn(iv) !== IV_BYTES || !isBase64(ct) || bytesIn(ct) < MIN_CT_BYTES) return undefined
  return { v, kid, key, iv, ct }
}

/** Whether something can name a key: 1 to 64 printable characters. */
export function isKeyId(kid: unknown): kid is string {
  return typeof kid === 'string' && kid.length > 0 && kid.length <= MAX_KEY_ID && isPrintable(kid)
}

function isBase64(text: unknown): text is string {
  return typeof text === 'string' && text.length % 4 === 0 && BASE64.test(text) && LAST.test(text.slice(-4))
}

function bytesIn(base64: string): number {
  return 3 * base64.length / 4 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)
}
