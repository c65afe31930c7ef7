import type { Contract } from '../../protocol/contract.ts'
import { RotundaError } from '../../protocol/errors.ts'
import type { Connection } from '../connection.ts'
import type { HubCore } from '../core.ts'
import { expired, type Identity } from '../identity.ts'
import type { Admission } from './admission.ts'
import type { Admissions } from './admissions.ts'
import { Expiries } from './expiries.ts'
import { keyOwner } from './key_owner.ts'
import { concerning, type WhoseSessions } from './revocations.ts'

/** Who the sessions of a hub are: given on opening, renewed by tokens, ended by time or by revocation. */
export class Identities<C extends Contract, M> {
  readonly #core: HubCore<C, M>
  readonly #admissions: Admissions<M>
  readonly #expiries: Expiries<Connection<M>>

  constructor(core: HubCore<C, M>, admissions: Admissions<M>) {
    this.#core = core
    this.#admissions = admissions
    this.#expiries = new Expiries(core.executor, Date.now, (connection) => this.#expire(connection))
  }

  /** Why somebody cannot open a session, though let in before. */
  refusal(admission: Admission<M> | undefined, address: string): RotundaError | undefined {
    return this.#admissions.refusal(admission) ?? this.#admissions.entrance.refusal(address)
  }

  /** A session begins. */
  opened(connection: Connection<M>, identity: Identity | undefined): void {
    this.#admissions.entrance.entered(connection.address)
    if (identity !== undefined) this.#assign(connection, identity)
  }

  ended(connection: Connection<M>): void {
    this.#admissions.entrance.left(connection.address)
    this.#expiries.forget(connection)
  }

  /**
   * A session brings a token: what it is, may do and has left is according to that from now on.
   * @throws {RotundaError} As rejection: `unauthenticated`, `forbidden` for the token of another subject, `not_found`,
   * `overloaded`, `timeout`.
   */
  async renew(connection: Connection<M>, token: string): Promise<Identity | undefined> {
    const since = this.#admissions.revocations.count
    const identity = await this.#admissions.verify(token)
    if (this.#admissions.revocations.concern(identity, since)) {
      throw new RotundaError('unauthenticated', 'What proves who this is was revoked.')
    }
    if (!connection.isUsable) return undefined
    requireSame(connection, identity)
    this.#assign(connection, identity)
    await this.#core.memberships.reauthorize(connection)
    return identity
  }

  /**
   * A request speaks for a session over HTTP: what it proves itself with goes for the session too.
   * @throws {RotundaError} As rejection: `forbidden` when it is somebody else's.
   */
  async continued(connection: Connection<M>, { identity }: Admission<M>): Promise<void> {
    if (identity === undefined || connection.subject === undefined) return
    requireSame(connection, identity)
    const current = connection.identity
    if (current !== undefined && (identity.expiresAt ?? Infinity) <= (current.expiresAt ?? Infinity)) return
    this.#assign(connection, identity)
    await this.#core.memberships.reauthorize(connection)
  }

  /** Ends sessions, or makes them nobody's; gives how many. */
  async revoke(who: WhoseSessions, how: 'close' | 'downgrade'): Promise<number> {
    const concerns = concerning(who)
    this.#admissions.revocations.add(concerns)
    const found = [...this.#core.connections.values()].filter(({ isUsable, identity }) => {
      return isUsable && identity !== undefined && concerns(identity)
    })
    const reason = new RotundaError('unauthenticated', 'What proves who this is was revoked.')
    for (const connection of found) this.#end(connection, how, reason)
    if (how === 'downgrade') await this.#core.memberships.reauthorizeAll(found)
    return found.length
  }

  #expire(connection: Connection<M>): void {
    this.#end(connection, this.#admissions.onExpiry, expired())
    if (connection.isUsable) void this.#core.memberships.reauthorize(connection)
  }

  /** What was granted is gone at once; which rooms that concerns is asked after it. */
  #end(connection: Connection<M>, how: 'close' | 'downgrade', reason: RotundaError): void {
    if (how === 'close') return connection.closeFor('unauthenticated', reason.message)
    this.#assign(connection, undefined)
    connection.sendError(reason)
  }

  #assign(connection: Connection<M>, identity: Identity | undefined): void {
    connection.identity = identity
    connection.keyOwner = identity === undefined ? '' : keyOwner(identity.subject)
    connection.subject ??= identity?.subject
    connection.grants.issue(identity?.grants)
    this.#expiries.watch(connection)
  }
}

/** @throws {RotundaError} `forbidden` */
function requireSame<M>({ subject }: Connection<M>, identity: Identity): void {
  if (subject === undefined || subject === identity.subject) return
  throw new RotundaError('forbidden', 'The token is of another subject than the session.')
}
