import type { Contract } from '../../protocol/contract.ts'
import type { Envelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import type { Authenticated } from '../../protocol/reserved.ts'
import type { BuiltinRequest } from '../builtin_requests.ts'
import type { Connection } from '../connection.ts'
import type { HubCore } from '../core.ts'
import type { Identity } from '../identity.ts'
import type { Identities } from './identities.ts'

/** The request with which a session brings a token. */
export function authRequests<C extends Contract, M>(
  identities: Identities<C, M>,
): ReadonlyMap<string, BuiltinRequest<C, M>> {
  return new Map([['session.auth', async (_: HubCore<C, M>, connection: Connection<M>, envelope: Envelope) => {
    const { token } = (envelope.payload ?? {}) as { token?: unknown }
    if (typeof token !== 'string') throw new RotundaError('invalid_payload', 'payload.token: must be a text')
    const identity = await identities.renew(connection, token)
    if (identity === undefined) return
    connection.sendReply('session.auth', envelope.ref, undefined, JSON.stringify(authenticated(identity, Date.now())))
  }]])
}

/** What a client is told of its identity. */
export function authenticated({ subject, expiresAt }: Identity, now: number): Authenticated {
  return { subject, expiresIn: expiresAt === undefined ? null : Math.max(0, expiresAt - now) }
}
