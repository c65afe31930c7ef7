import type { Contract } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { type Trace, traceOf } from '../protocol/trace.ts'
import type { Connection } from './connection.ts'
import type { RequestContext } from './context.ts'
import type { HubCore } from './core.ts'
import type { QuotaResult } from './quota/session_quota.ts'
import { roomOf } from './requests.ts'
import { RoomHandle } from './room_handle.ts'
import type { Session } from './session.ts'

/** What handlers are given. Made for every envelope that has a handler, so it computes nothing before it is asked. */
export class HandlerContext<C extends Contract, M> implements RequestContext<C, M> {
  readonly session: Session<C, M>
  readonly envelope: Envelope
  readonly quota: QuotaResult | undefined
  readonly #core: HubCore<C, M>

  constructor(core: HubCore<C, M>, connection: Connection, envelope: Envelope) {
    this.#core = core
    this.session = core.sessionOf(connection)
    this.envelope = envelope
    this.quota = connection.quota?.last
  }

  get room(): RoomHandle<C, M> {
    return new RoomHandle(this.#core, roomOf(this.envelope))
  }

  get type(): string {
    return this.envelope.type
  }

  get ref(): string | undefined {
    return this.envelope.ref
  }

  get state(): unknown {
    return this.#core.state
  }

  get trace(): Trace | undefined {
    return traceOf(this.envelope)
  }
}
