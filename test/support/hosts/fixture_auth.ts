import { jwt } from '../../../adapters/jwt/mod.ts'
import type { Authenticator, LogLevel, OnExpiry } from '../../../src/mod.ts'
import type { RoomServerOptions } from '../spawn_server.ts'

/** How the test servers find out who somebody is. They log all they can, for tests to look for tokens in. */
export function authOptions(
  { secret, jwks, from, anonymous = false, onExpiry = 'close', slow = 0 }: NonNullable<RoomServerOptions['auth']>,
): { authenticate: Authenticator; anonymous: boolean; onExpiry: OnExpiry; logLevel: LogLevel } {
  const { authenticate, verify } = jwt({
    issuer: 'issuer',
    audience: 'rotunda',
    clockTolerance: 0,
    jwksCooldown: 0,
    ...(secret === undefined ? {} : { secret }),
    ...(jwks === undefined ? {} : { jwks }),
    ...(from === undefined ? {} : { from }),
  })
  const slowly: Authenticator = {
    verify,
    authenticate: async (request) => {
      if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow))
      return await authenticate(request)
    },
  }
  return { authenticate: slowly, anonymous, onExpiry, logLevel: 'debug' }
}
