/**
 * Masks bytes in place, or unmasks them: it is the same (RFC 6455 §5.3).
 *
 * @param offset Where in the frame's payload the bytes begin.
 */
export function applyMask(bytes: Uint8Array, key: Uint8Array, offset: number = 0): void {
  const { length } = bytes
  for (let i = 0; i < length; i++) bytes[i]! ^= key[(offset + i) & 3]!
}

/** A masking key that a peer cannot foresee. */
export function randomMaskKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(4))
}
