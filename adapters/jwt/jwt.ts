import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose'
import { type Authenticator, checkIdentity, type Identity, RotundaError } from '../../src/mod.ts'
import { findToken } from './find_token.ts'
import { type GetKey, keysOf } from './keys.ts'
import { checkJwtOptions, type JwtOptions, type JwtSettings } from './options.ts'

/** No token that anybody needs is longer, in characters. */
const LONGEST = 16_384

/**
 * Finds out who somebody is by their JSON Web Token, for `createHub({ authenticate })`. Its claims become the identity:
 * `sub` the subject, `exp` its end, `rooms` the grants (`{ "private-team-*": "read" }`), `quotas` the quotas.
 *
 * A request without a token is nobody's: refused with 401 unless the hub lets in `anonymous` ones. A token that is wrong
 * in any way is refused with `unauthenticated`, and a message that says in which; while the keys at `jwks` cannot be read
 * and none were before, with `overloaded`, so that clients try again. No message has anything of the token in it.
 *
 * @throws {RotundaError} `invalid_config`, naming the setting.
 * @example
 * ```ts
 * const authenticate = jwt({
 *   jwks: 'https://login.example.org/.well-known/jwks.json',
 *   issuer: 'https://login.example.org/',
 *   audience: 'chat',
 * })
 * const hub = createHub({ protocol: chat, authenticate })
 * ```
 */
export function jwt(options: JwtOptions): Authenticator {
  const settings = checkJwtOptions(options)
  const getKey = keysOf(options, settings)
  const verify = (token: string) => verifyToken(token, getKey, settings)
  return {
    verify,
    authenticate: (request) => {
      const token = findToken(request, settings)
      return token === undefined ? undefined : verify(token)
    },
  }
}

async function verifyToken(token: string, getKey: GetKey, settings: JwtSettings): Promise<Identity> {
  if (token.length > LONGEST) throw refuse(`The token has more than ${LONGEST} characters.`)
  requireSigned(token)
  const { algorithms, issuer, audience, clockTolerance, requireExpiry } = settings
  const options: JWTVerifyOptions = { algorithms, issuer, audience, clockTolerance }
  if (requireExpiry) options.requiredClaims = ['exp']
  try {
    const payload = await verifyWith(token, getKey, options)
    requirePast(payload, clockTolerance)
    return identityOf(payload, settings)
  } catch (error) {
    throw error instanceof RotundaError ? error : refuse(whatIsWrong(error))
  }
}

/** Where several keys could be the one, each is tried. */
async function verifyWith(token: string, getKey: GetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, getKey, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (other) {
        if (!(other instanceof errors.JWSSignatureVerificationFailed)) throw other
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function requireSigned(token: string): void {
  let alg: unknown
  try {
    alg = decodeProtectedHeader(token).alg
  } catch {
    throw refuse('The token is malformed.')
  }
  if (typeof alg === 'string' && alg.toLowerCase() === 'none') throw refuse('The token is not signed.')
}

/** What is of the future was not issued by who has our time, or by nobody. */
function requirePast({ iat }: JWTPayload, tolerance: number): void {
  if (iat !== undefined && iat > Date.now() / 1000 + tolerance) throw refuse('The token was issued in the future.')
}

function identityOf(payload: JWTPayload, { claims: names, clockTolerance }: JwtSettings): Identity {
  const { exp, [names.subject]: subject, [names.grants]: grants, [names.quotas]: quotas } = payload
  if (subject === undefined) throw refuse('The token does not say whose it is.')
  const given = {
    subject,
    claims: payload,
    ...(grants === undefined ? {} : { grants }),
    ...(quotas === undefined ? {} : { quotas }),
    // The clocks may differ for as long as the session lives, too.
    ...(exp === undefined ? {} : { expiresAt: (exp + clockTolerance) * 1000 }),
  }
  return checkIdentity(given, Date.now())
}

const CLAIMS: Readonly<Record<string, string>> = {
  iss: 'The token is of another issuer.',
  aud: 'The token is for another audience.',
  nbf: 'The token is not valid yet.',
  exp: 'The token has no valid time of expiry.',
  iat: 'The token has no valid time of issue.',
}

function whatIsWrong(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing' && Object.hasOwn(CLAIMS, error.claim)) {
      return `The token has no claim "${error.claim}".`
    }
    return CLAIMS[error.claim] ?? 'A claim of the token is not valid.'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'The token is signed with an algorithm that is not allowed.'
  if (error instanceof errors.JWKSNoMatchingKey) return 'The token is signed with a key that is not known.'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'The signature of the token is not valid.'
  return 'The token is malformed.'
}

function refuse(message: string): RotundaError {
  return new RotundaError('unauthenticated', message)
}
