/**
 * End-to-end encryption for rotunda's rooms, for browsers, Bun, Deno and Node 22: WebCrypto only.
 *
 * @module
 */
export type { Cipher, FoundAt, SealedFor } from './cipher.ts'
export { encryption } from './encryption.ts'
export type { EncryptionOptions } from './encryption.ts'
export { deriveKey, generateKey, importKey } from './key.ts'
export type { DeriveOptions, RoomKey } from './key.ts'
export { RoomKeys, roomKeys } from './room_keys.ts'
export type { RoomKeysOptions } from './room_keys.ts'
export type { EncryptedPayload } from '../../protocol/encrypted_payload.ts'
