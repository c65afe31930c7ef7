import { jwt } from '../../../adapters/jwt/mod.ts'
import type { Authenticator, LogLevel, OnExpiry } from '../../../src/mod.ts'
import type { RoomServerOptions } from '../spawn_server.ts'

/**
 * How the test servers find out who somebody is. They log all they can, for tests to look for tokens in.
 * @param admitted Resolves when those who are held are let in.
 */
export function authOptions(
  { secret, jwks, from, anonymous = false, onExpiry = 'close', held = false }: NonNullable<RoomServerOptions['auth']>,
  admitted: Promise<void>,
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
  const authenticator: Authenticator = {
    verify,
    authenticate: async (request) => {
      if (held) await admitted
      return await authenticate(request)
    },
  }
  return { authenticate: authenticator, anonymous, onExpiry, logLevel: 'debug' }
}
