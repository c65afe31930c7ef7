import type { Calls } from './calls.ts'
import type { Receiver } from './receiver.ts'

/** A client of any contract. */
export interface AnyClient {
  /** @internal */
  readonly calls: Calls
  /** @internal */
  readonly receiver: Receiver
}

/** What a client is made with beside its options, such as `fallback` or `outbox`: each is for one client. */
export interface Addition {
  /** Called once, before the client connects. */
  attach(client: AnyClient): void
}
