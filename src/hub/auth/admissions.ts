import { RotundaError } from '../../protocol/errors.ts'
import { checkIdentity, type Identity } from '../identity.ts'
import type { Limits } from '../limits.ts'
import { Admission, type Entering, type MetadataFactory } from './admission.ts'
import {
  type Authenticate,
  type Authenticator,
  checkAuthenticator,
  checkOnExpiry,
  type OnExpiry,
} from './authenticator.ts'
import type { Entrance } from './entrance.ts'
import { Revocations } from './revocations.ts'

/** How a hub finds out who somebody is. */
export interface AuthOptions<M> {
  readonly authenticate?: Authenticate | Authenticator | undefined
  readonly anonymous?: boolean | undefined
  readonly onExpiry?: OnExpiry | undefined
  readonly metadata?: MetadataFactory<M> | undefined
}

/** Finds out who wants into a hub, the same way whatever they come with: WebSocket, SSE, polls, plain HTTP. */
export class Admissions<M> {
  readonly entrance: Entrance
  readonly revocations: Revocations
  readonly onExpiry: OnExpiry
  /** Whether identities are known at all. */
  readonly isKnowing: boolean
  readonly #authenticator: ReturnType<typeof checkAuthenticator>
  readonly #anonymous: boolean
  readonly #maxMessageSize: number
  readonly #metadata: MetadataFactory<M>

  /** @throws {RotundaError} `invalid_config` */
  constructor(options: AuthOptions<M>, entrance: Entrance, { maxMessageSize }: Pick<Limits, 'maxMessageSize'>) {
    this.entrance = entrance
    this.#maxMessageSize = maxMessageSize
    this.revocations = new Revocations(() => performance.now())
    this.onExpiry = checkOnExpiry(options.onExpiry)
    this.#authenticator = checkAuthenticator(options.authenticate)
    this.isKnowing = this.#authenticator !== undefined
    this.#anonymous = options.anonymous ?? this.#authenticator === undefined
    if (!this.#anonymous && !this.isKnowing) {
      throw new RotundaError('invalid_config', 'anonymous is false and there is no authenticate: nobody could come in.')
    }
    // Without the option M is Record<string, unknown>, which an empty object is.
    this.#metadata = options.metadata ?? (() => ({}) as M)
  }

  /**
   * Lets a request in, or throws why not. Stays synchronous as long as the application does.
   * @throws {RotundaError} `forbidden` (origin), `unauthenticated`, `connection_limit`, `quota_exceeded`, `overloaded`,
   * `timeout`, or what the application throws.
   */
  admit(request: Request, entering: Entering<M>): Admission<M> | Promise<Admission<M>> {
    const address = this.entrance.pass(request, entering)
    const since = this.revocations.count
    const make = entering.metadata ?? this.#metadata
    const admitted = (identity: Identity | undefined) => {
      const made = make(request, identity)
      const admission = (metadata: M) => new Admission(metadata, { identity, address, since })
      return made instanceof Promise ? made.then(admission) : admission(made)
    }
    return this.entrance.run<Admission<M>>(() => {
      const identity = this.#authenticator === undefined ? undefined : this.#authenticator.authenticate(request)
      if (identity instanceof Promise) return identity.then((found) => admitted(this.#check(found)))
      return admitted(this.#check(identity))
    })
  }

  /** What the application remembers of a request. */
  metadataFor(request: Request, identity: Identity | undefined): M | Promise<M> {
    return this.#metadata(request, identity)
  }

  /**
   * Whose token it is that a session brings.
   * @throws {RotundaError} `unauthenticated`, `not_found` where tokens are not known; `overloaded`, `timeout`.
   */
  async verify(token: string): Promise<Identity> {
    const verify = this.#authenticator?.verify
    if (verify === undefined) throw new RotundaError('not_found', 'This server takes no tokens in a session.')
    return await this.entrance.run(async () => this.#checkIdentity(await verify(token)))
  }

  /** Why somebody who was let in cannot come in now. */
  refusal(admission: Admission<M> | undefined): RotundaError | undefined {
    if (admission === undefined || !this.revocations.concern(admission.identity, admission.since)) return undefined
    return new RotundaError('unauthenticated', 'What proves who this is was revoked.')
  }

  #checkIdentity(identity: Identity): Identity {
    return checkIdentity(identity, Date.now(), this.#maxMessageSize)
  }

  #check(identity: Identity | undefined): Identity | undefined {
    if (identity !== undefined && identity !== null) return this.#checkIdentity(identity)
    if (this.#anonymous) return undefined
    throw new RotundaError('unauthenticated', 'The request does not say who asks: it has no token.')
  }
}
