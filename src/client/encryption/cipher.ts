/** What a payload belongs to. It opens nowhere else. */
export interface SealedFor {
  readonly room: string
  readonly type: string
  /** The producer key it is published under; empty for what is not stored. */
  readonly key: string
}

/** Where a payload was found. */
export interface FoundAt {
  readonly room: string
  readonly type: string
  /** Its position in the room's log, where it has one. */
  readonly seq?: number | undefined
}

/** Makes a room's payloads illegible to the server, and legible again. Given to `client.join`. */
export interface Cipher {
  /** The payload that is sent in place of a given one. */
  seal(payload: unknown, about: SealedFor): Promise<unknown>
  /**
   * The payload that was sealed.
   * @throws {RotundaError} As rejection: `decryption_failed`, `unknown_encryption_key`.
   */
  open(payload: unknown, about: FoundAt): Promise<unknown>
}
