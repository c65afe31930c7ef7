import type { EncryptedPayload } from '../../protocol/encrypted_payload.ts'
import type { FoundAt } from './cipher.ts'

/** Messages whose places are remembered. */
const MAX_PLACES = 10_000

/** Where messages of the log were found: a server that gives one of them again, as another one, is found out. */
export class Places {
  readonly #seqs = new Map<string, number>()

  /** Whether a message was found under another seq before. Remembers where it is. */
  isElsewhere({ room, seq }: FoundAt, { key, iv }: EncryptedPayload): boolean {
    if (seq === undefined) return false
    // Within a room one producer key is one message. Without one, no two messages have the same iv.
    const name = JSON.stringify(key === '' ? [room, iv] : [room, '', key])
    const known = this.#seqs.get(name)
    if (known !== undefined) return known !== seq
    this.#seqs.set(name, seq)
    if (this.#seqs.size > MAX_PLACES) this.#seqs.delete(this.#seqs.keys().next().value!)
    return false
  }
}
