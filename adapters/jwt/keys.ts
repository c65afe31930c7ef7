import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  importJWK,
  importSPKI,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import { RotundaError } from '../../src/mod.ts'
import { bytesOf, type JwtOptions, type JwtSettings, wrong } from './options.ts'

/** Gives the key that a token names. */
export type GetKey = JWTVerifyGetKey

/** How long a failed look is not repeated, in milliseconds. */
const AFTER_FAILURE = 1_000
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]'])

/** @throws {RotundaError} `invalid_config` for what is no key. */
export function keysOf({ secret, publicKey, jwks }: JwtOptions, settings: JwtSettings): GetKey {
  if (secret !== undefined) return always(Promise.resolve(bytesOf(secret)))
  if (publicKey !== undefined) return publicKeyOf(publicKey, settings)
  if (typeof jwks !== 'string' && !(jwks instanceof URL)) return localSet(jwks)
  if (!URL.canParse(String(jwks))) throw wrong('jwks must be a URL or a set of keys')
  const url = new URL(jwks)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL.has(url.hostname))
  if (!isSafe) throw wrong('jwks must be an https URL: over http anybody on the way could give us keys')
  return remoteSet(url, settings)
}

function publicKeyOf(given: string | JsonWebKey | CryptoKey, { algorithms }: JwtSettings): GetKey {
  if (typeof given === 'object' && ('d' in given || 'k' in given)) {
    throw wrong('publicKey is a private or secret key; only the public one belongs here')
  }
  if (typeof given === 'string' && !/^-----BEGIN PUBLIC KEY-----/m.test(given)) {
    throw wrong('publicKey must be PEM that begins with "-----BEGIN PUBLIC KEY-----"')
  }
  if (given instanceof CryptoKey) {
    if (given.type !== 'public') throw wrong('publicKey is a private or secret key; only the public one belongs here')
    return always(Promise.resolve(given))
  }
  // A key is imported for one algorithm; which one, the token's header says, and the verifier allows.
  const imported = new Map<string, Promise<CryptoKey | Uint8Array>>()
  return async ({ alg = '' }) => {
    if (!algorithms.includes(alg)) throw new errors.JOSEAlgNotAllowed()
    const importing = imported.get(alg) ??
      (typeof given === 'string' ? importSPKI(given, alg) : importJWK(given as JWK, alg))
    imported.set(alg, importing)
    try {
      return await importing
    } catch {
      throw new errors.JWKSNoMatchingKey()
    }
  }
}

function localSet(set: unknown): GetKey {
  try {
    return createLocalJWKSet(set as JSONWebKeySet)
  } catch (cause) {
    throw wrong('jwks must be a URL or a set of keys', cause)
  }
}

/** Keys elsewhere. While they cannot be read, those that were read last are used, for a time. */
function remoteSet(url: URL, { jwksMaxAge, jwksMaxStale, jwksCooldown }: JwtSettings): GetKey {
  const read = new LastRead(jwksMaxStale * 1000)
  const getKey = createRemoteJWKSet(url, {
    cacheMaxAge: jwksMaxAge * 1000,
    cooldownDuration: jwksCooldown * 1000,
    [customFetch]: (href, options) => read.fetch(href, options),
  })
  return async (header, token) => {
    try {
      return await getKey(header, token)
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys || error instanceof errors.JOSENotSupported) throw error
      // A key that is not known may be a new one that we cannot see.
      if (error instanceof errors.JWKSNoMatchingKey && !read.hasFailed) throw error
      throw new RotundaError('overloaded', 'The keys that tokens are checked with cannot be read now; try later.')
    }
  }
}

/** The answer that was read last, for when there is no other. */
class LastRead {
  readonly #maxStale: number
  #text: string | undefined
  #readAt = -Infinity
  #failedAt = -Infinity

  constructor(maxStale: number) {
    this.#maxStale = maxStale
  }

  /** Whether the last look was in vain. */
  get hasFailed(): boolean {
    return this.#failedAt > this.#readAt
  }

  async fetch(url: string, options: RequestInit): Promise<Response> {
    if (performance.now() - this.#failedAt < AFTER_FAILURE) return this.#last()
    try {
      const response = await fetch(url, options)
      const text = await response.text()
      if (response.status !== 200 || !isKeySet(text)) throw new TypeError('That is no set of keys.')
      this.#text = text
      this.#readAt = performance.now()
      return answer(text)
    } catch {
      this.#failedAt = performance.now()
      return this.#last()
    }
  }

  #last(): Response {
    if (this.#text === undefined || performance.now() - this.#readAt > this.#maxStale) {
      throw new TypeError('There is no set of keys.')
    }
    return answer(this.#text)
  }
}

function answer(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json' } })
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { keys?: unknown } | null)?.keys)
  } catch {
    return false
  }
}

function always(key: Promise<CryptoKey | Uint8Array>): GetKey {
  return () => key
}
