import { type EncryptedPayload, readEncryptedPayload } from '../protocol/encrypted_payload.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkPattern, matches } from './patterns.ts'

/**
 * The rooms whose content the server cannot read. In place of the contract's schemas it makes sure that nothing legible
 * gets in by mistake.
 */
export class EncryptedRooms {
  readonly #patterns: readonly string[]

  /**
   * @param patterns Names of rooms, or beginnings of names and `*`.
   * @throws {RotundaError} `invalid_config`
   */
  constructor(patterns: readonly string[] = []) {
    if (!Array.isArray(patterns)) throw new RotundaError('invalid_config', 'encrypted must be a list of rooms.')
    this.#patterns = patterns.map((pattern, index) => checkPattern(pattern, `encrypted[${index}]`))
  }

  includes(room: string | undefined): boolean {
    return room !== undefined && this.#patterns.some((pattern) => matches(pattern, room))
  }

  /**
   * The payload of an event, stored or not, whoever sends it.
   * @param key The producer key that it is published under.
   * @throws {RotundaError} `plaintext_refused`
   */
  check(payload: unknown, key: string | null | undefined): EncryptedPayload {
    const encrypted = readEncryptedPayload(payload)
    if (encrypted === undefined) {
      throw new RotundaError('plaintext_refused', 'This room takes encrypted payloads only: {v, kid, key, iv, ct}.')
    }
    // Else who heard it could publish it again: under another key it would be another message.
    if (encrypted.key === (key ?? '')) return encrypted
    throw new RotundaError('plaintext_refused', 'The payload was encrypted for another key than it is published under.')
  }
}
