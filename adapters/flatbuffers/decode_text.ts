const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes as text. A decoder that throws is the slower one on some runtimes: it is asked only where something may have
 * been replaced.
 * @throws {TypeError} when they are not UTF-8.
 */
export function decodeText(bytes: Uint8Array): string {
  const text = lenient.decode(bytes)
  return text.includes('\ufffd') ? strict.decode(bytes) : text
}
