import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'
import type { Identity } from '../identity.ts'

/**
 * Finds out who sends a request: an identity, or undefined where the request does not say. A RotundaError that it throws
 * refuses the request with that error; anything else with `internal`.
 */
export type Authenticate = (request: Request) => Identity | undefined | Promise<Identity | undefined>

/** What knows tokens, such as `jwt` of `rotunda/jwt`. */
export interface Authenticator {
  authenticate(request: Request): ReturnType<Authenticate>
  /** Whose token it is, for sessions that bring a new one; a RotundaError that it throws refuses the token. */
  verify(token: string): Identity | Promise<Identity>
}

/** What becomes of a session whose identity has ended: it is closed with 4401, or goes on as nobody. */
export type OnExpiry = 'close' | 'downgrade'

/** @throws {RotundaError} `invalid_config` */
export function checkAuthenticator(
  given: Authenticate | Authenticator | undefined,
): { readonly authenticate: Authenticate; readonly verify?: Authenticator['verify'] } | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'function') return { authenticate: given }
  if (typeof given?.authenticate === 'function' && typeof given.verify === 'function') {
    return {
      authenticate: (request) => given.authenticate(request),
      verify: (token) => given.verify(token),
    }
  }
  throw new RotundaError('invalid_config', 'authenticate must be a function, or what rotunda/jwt makes.')
}

/** @throws {RotundaError} `invalid_config` */
export function checkOnExpiry(given: OnExpiry = 'close'): OnExpiry {
  if (given === 'close' || given === 'downgrade') return given
  throw new RotundaError('invalid_config', `onExpiry is ${quote(given)}; it must be "close" or "downgrade".`)
}
