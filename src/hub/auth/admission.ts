import type { Visitor } from '../access.ts'
import { Grants } from '../grants.ts'
import type { Identity } from '../identity.ts'
import type { Passing } from './entrance.ts'

/** Makes a connection's metadata from what opens it, and who it is. May refuse by throwing a RotundaError. */
export type MetadataFactory<M> = (request: Request, identity: Identity | undefined) => M | Promise<M>

/** A request that wants in, and how its metadata is made where that is not as the target does. */
export interface Entering<M> extends Passing {
  readonly metadata?: MetadataFactory<M> | undefined
}

/** What was found out about somebody who may come in. */
export class Admission<M> implements Visitor<M> {
  readonly metadata: M
  readonly identity: Identity | undefined
  /** The client's address, where it matters; else the peer's is. */
  readonly address: string | undefined
  /** When it began to be found out, as `Revocations` counts. */
  readonly since: number
  #grants: Grants | undefined

  constructor(
    metadata: M,
    { identity, address, since }: { identity: Identity | undefined; address: string | undefined; since: number },
  ) {
    this.metadata = metadata
    this.identity = identity
    this.address = address
    this.since = since
  }

  get grants(): Grants {
    if (this.#grants === undefined) {
      this.#grants = new Grants()
      this.#grants.issue(this.identity?.grants)
    }
    return this.#grants
  }
}
