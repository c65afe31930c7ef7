import type { Host } from '../hub/mod.ts'

const encoder = new TextEncoder()

/** Sessions without a socket of their own. No topics: rooms loop, and all take the very same frames. */
export const HTTP_HOST: Host = {
  byteLength: (text) => encoder.encode(text).length,
}
