import type { Contract } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Connection } from './connection.ts'
import type { Grants } from './grants.ts'
import { expired, type Identity } from './identity.ts'
import type { Session } from './session.ts'
import { isThenable } from './thenable.ts'

/**
 * What somebody may be allowed: to be in a room from now on (`join`), to have its past delivered on joining (`replay`)
 * or page by page (`history`), to `publish` to it, to see and be seen in its `presence`; to `send` to one session and to
 * `broadcast` to all.
 */
export type Action = 'join' | 'replay' | 'history' | 'publish' | 'presence' | 'send' | 'broadcast'

/** Who asks: a session, or a request over HTTP without one. */
export interface Principal<C extends Contract, M> {
  readonly session: Session<C, M> | undefined
  /** Who it is, where the hub has `authenticate`; undefined for whom nobody knows. */
  readonly identity: Identity | undefined
  readonly metadata: M
  readonly grants: Grants
}

/**
 * Decides what is allowed: `true` allows, `false` refuses with `forbidden`, `undefined` leaves it to the room's name. A
 * RotundaError that it throws refuses with that error.
 *
 * @param target The room; for `send` the session's id, for `broadcast` `*`.
 */
export type Authorize<C extends Contract, M> = (
  who: Principal<C, M>,
  action: Action,
  target: string,
) => boolean | undefined | PromiseLike<boolean | undefined>

/** Who asks over HTTP. */
export interface Visitor<M> {
  readonly identity: Identity | undefined
  readonly metadata: M
  readonly grants: Grants
}

/** Whoever can be asked about: what is behind a principal. */
export type Subject<M> = Connection<M> | Visitor<M>

/** Gives what the application is asked with. */
export interface Principals<C extends Contract, M> {
  principalOf(subject: Subject<M>): Principal<C, M>
}

/** As a method, so that a session of one kind of metadata remains a session of unknown metadata. */
interface Policy<C extends Contract, M> {
  authorize?(who: Principal<C, M>, action: Action, target: string): ReturnType<Authorize<C, M>>
}

const NEEDS_GRANT = /^(?:private|presence)-/

/**
 * The policies of all rooms. Without an answer of the application, open rooms are everybody's, rooms named `private-…`
 * and `presence-…` need a grant, and sending past rooms is refused.
 */
export class Access<C extends Contract, M> {
  readonly #policy: Policy<C, M>
  readonly #principals: Principals<C, M>

  constructor(authorize: Authorize<C, M> | undefined, principals: Principals<C, M>) {
    this.#policy = authorize === undefined ? {} : { authorize }
    this.#principals = principals
  }

  /**
   * Stays synchronous as long as the application does.
   * @throws {RotundaError} `forbidden`, `unauthenticated` once the identity has ended, or what the application throws.
   */
  check(subject: Subject<M>, action: Action, target: string): void | Promise<void> {
    const expiresAt = subject.identity?.expiresAt
    if (expiresAt !== undefined && expiresAt <= Date.now()) throw expired()
    const decided = this.#policy.authorize === undefined
      ? undefined
      : this.#policy.authorize(this.#principals.principalOf(subject), action, target)
    if (isThenable(decided)) {
      return Promise.resolve(decided).then((late) => decide(late, subject, action, target))
    }
    decide(decided, subject, action, target)
  }
}

function decide(
  decided: boolean | undefined,
  // What is granted is not made for who has no use for it: many who wait are asked about again and again.
  who: { readonly grants: Grants | undefined },
  action: Action,
  target: string,
): void {
  if (decided === true) return
  if (decided === undefined) {
    const isOpen = action !== 'send' && action !== 'broadcast' && !NEEDS_GRANT.test(target)
    if (isOpen || who.grants?.allow(action, target) === true) return
  }
  throw new RotundaError('forbidden', `${REFUSALS[action]} ${quote(target)} is not allowed.`)
}

const REFUSALS: Readonly<Record<Action, string>> = {
  join: 'Joining room',
  replay: 'Replaying room',
  history: 'Reading the history of room',
  publish: 'Publishing to room',
  presence: 'Presence in room',
  send: 'Sending to session',
  broadcast: 'Broadcasting to',
}
