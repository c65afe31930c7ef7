import { RotundaError } from '../../src/mod.ts'

/** Where a token may be found in a request. What each risks is in docs/auth.md. */
export type TokenSource = 'header' | 'cookie' | 'subprotocol' | 'query'

/** How tokens are checked. One of `secret`, `publicKey` and `jwks` says with which keys. */
export interface JwtOptions {
  /** Shared with who issues tokens, for HMAC: 32 bytes or more. */
  readonly secret?: string | Uint8Array
  /** The issuer's public key: PEM (SPKI), a JSON Web Key, or a CryptoKey. */
  readonly publicKey?: string | JsonWebKey | CryptoKey
  /** Where the issuer has its public keys, over https or of this machine; or the set itself. */
  readonly jwks?: string | URL | { readonly keys: readonly object[] }
  /** Whose tokens are taken. */
  readonly issuer: string | readonly string[]
  /** For whom tokens must be: this server, as the issuer calls it. */
  readonly audience: string | readonly string[]
  /** Default: HS256 with a secret; else RS256, PS256, ES256 and EdDSA. */
  readonly algorithms?: readonly string[]
  /** Seconds by which clocks may differ. Default 5, at most 300. */
  readonly clockTolerance?: number
  /** Whether a token must say when it ends. Default true. */
  readonly requireExpiry?: boolean
  /** Where a token may be. Default `['header', 'subprotocol']`. */
  readonly from?: readonly TokenSource[]
  /** Name of the cookie. Default `token`. */
  readonly cookie?: string
  /** Name of the parameter of the URL. Default `token`. */
  readonly query?: string
  /** Names of the claims that subject, grants and quotas are in. Default `sub`, `rooms`, `quotas`. */
  readonly claims?: { readonly subject?: string; readonly grants?: string; readonly quotas?: string }
  /** Seconds after which the keys at `jwks` are read again. Default 600. */
  readonly jwksMaxAge?: number
  /** Seconds for which keys that were read are used while `jwks` cannot be read. Default 86,400. */
  readonly jwksMaxStale?: number
  /** Seconds between two looks for a key that is not known. Default 30. */
  readonly jwksCooldown?: number
}

const SOURCES: ReadonlySet<unknown> = new Set<TokenSource>(['header', 'cookie', 'subprotocol', 'query'])
const SYMMETRIC = ['HS256', 'HS384', 'HS512']
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const NAME = /^[\w!#$%&'*+.^`|~-]+$/
const LEAST_SECRET = 32

/** Checked options. */
export interface JwtSettings {
  readonly algorithms: string[]
  readonly issuer: string[]
  readonly audience: string[]
  readonly clockTolerance: number
  readonly requireExpiry: boolean
  readonly from: readonly TokenSource[]
  readonly cookie: string
  readonly query: string
  readonly claims: { readonly subject: string; readonly grants: string; readonly quotas: string }
  readonly jwksMaxAge: number
  readonly jwksMaxStale: number
  readonly jwksCooldown: number
}

/** @throws {RotundaError} `invalid_config`, naming the setting and what is allowed. */
export function checkJwtOptions(options: JwtOptions): JwtSettings {
  const { secret, publicKey, jwks, from = ['header', 'subprotocol'], cookie = 'token', query = 'token' } = options
  if ([secret, publicKey, jwks].filter((key) => key !== undefined).length !== 1) {
    throw wrong('one of "secret", "publicKey" and "jwks" must be given, and no two')
  }
  if (secret !== undefined && bytesOf(secret).length < LEAST_SECRET) {
    throw wrong(`secret must have ${LEAST_SECRET} bytes or more; a shorter one can be guessed`)
  }
  const known = secret === undefined ? ASYMMETRIC : SYMMETRIC
  const algorithms = options.algorithms ?? (secret === undefined ? ['RS256', 'PS256', 'ES256', 'EdDSA'] : ['HS256'])
  if (algorithms.length === 0 || !algorithms.every((name) => known.includes(name))) {
    throw wrong(`algorithms must be some of ${known.join(', ')}, for this kind of key`)
  }
  if (!Array.isArray(from) || from.length === 0 || !from.every((source) => SOURCES.has(source))) {
    throw wrong(`from must be some of ${[...SOURCES].join(', ')}`)
  }
  if (!NAME.test(cookie)) throw wrong('cookie must be the name of one')
  if (query === '') throw wrong('query must be the name of a parameter')
  const { subject = 'sub', grants = 'rooms', quotas = 'quotas' } = options.claims ?? {}
  return {
    algorithms: [...algorithms],
    issuer: names('issuer', options.issuer),
    audience: names('audience', options.audience),
    clockTolerance: seconds('clockTolerance', options.clockTolerance, 5, 300),
    requireExpiry: options.requireExpiry ?? true,
    from,
    cookie,
    query,
    claims: { subject, grants, quotas },
    jwksMaxAge: seconds('jwksMaxAge', options.jwksMaxAge, 600, 86_400),
    jwksMaxStale: seconds('jwksMaxStale', options.jwksMaxStale, 86_400, 30 * 86_400),
    jwksCooldown: seconds('jwksCooldown', options.jwksCooldown, 30, 3_600),
  }
}

export function bytesOf(secret: string | Uint8Array): Uint8Array {
  return typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
}

function names(name: string, given: string | readonly string[]): string[] {
  const list = typeof given === 'string' ? [given] : given
  if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')) {
    return [...list]
  }
  throw wrong(`${name} must be a text or a list of texts; without it the tokens of everybody else would be taken`)
}

function seconds(name: string, given: number | undefined, absent: number, most: number): number {
  const value = given ?? absent
  if (typeof value === 'number' && value >= 0 && value <= most) return value
  throw wrong(`${name} must be a number of seconds from 0 to ${most}`)
}

/** Values are not quoted: one of them may be a secret. */
export function wrong(message: string, cause?: unknown): RotundaError {
  return new RotundaError('invalid_config', `jwt: ${message}.`, cause === undefined ? {} : { cause })
}
