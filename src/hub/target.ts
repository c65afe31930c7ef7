import type { ErrorCode, RotundaError } from '../protocol/errors.ts'
import type { Admission, Entering } from './auth/admission.ts'
import type { Variant } from './channel.ts'
import type { Limits } from './limits.ts'
import type { Peer, Receiver } from './peer.ts'

/** What connections are handed over to once they are WebSockets: a hub, or what lives beside one on its server. */
export interface Target<M> {
  readonly limits: Pick<Limits, 'maxMessageSize' | 'highWaterMark' | 'pingInterval' | 'pongTimeout'>
  /** Why a new connection cannot be taken now; undefined when it can. Asked before the upgrade. */
  refusal(): RotundaError | undefined
  /** Gives a subprotocol out of those a client offers, or none. */
  chooseSubprotocol(offered: readonly string[]): string | undefined
  /** Finds out about who sends a request to open a connection. A RotundaError that it throws refuses it. */
  admit(request: Request, entering: Entering<M>): Admission<M> | Promise<Admission<M>>
  /** Takes over an open connection. The transport tells the result what happens on it. */
  connect(
    peer: Peer,
    start: { readonly subprotocol: string | undefined; readonly metadata: M; readonly admission?: Admission<M> },
  ): Receiver
  /** Told of what went wrong around a connection. */
  report(error: unknown): void
  /** Told of what a request over HTTP was refused with. */
  refused(code: ErrorCode): void
}

/** What was agreed with who connects. */
export interface Start<M> {
  readonly subprotocol: string | undefined
  readonly metadata: M
  /** What `admit` found out, where it was asked. */
  readonly admission?: Admission<M>
  /** How frames look, for a transport that has its own form; it goes before the subprotocol. */
  readonly variant?: Variant
  /** Random when absent. */
  readonly id?: string
  /** Told to the client in its welcome: the secret with which it can speak as this session from elsewhere. */
  readonly credential?: string
}
