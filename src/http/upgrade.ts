import { CLOSE } from '../protocol/close_codes.ts'
import type { Frame } from '../protocol/codec.ts'
import type { Admission, Host, Peer, Receiver, Target } from '../hub/mod.ts'

/** A handshake that was accepted: what a transport is to make of the request. */
export interface Upgrade {
  /** To be answered in `Sec-WebSocket-Protocol`, where one was chosen. */
  readonly subprotocol: string | undefined
  /** Whose connection it becomes: its limits, and whom to tell of what goes wrong. */
  readonly target: Pick<Target<never>, 'limits' | 'report'>
  /** Hands the connection over, when it is open. */
  connect(peer: Peer): Receiver
}

/** An upgrade to a connection of the target that accepted it. */
export class AcceptedUpgrade<M> implements Upgrade {
  readonly target: Target<M>
  readonly subprotocol: string | undefined
  readonly metadata: M
  readonly admission: Admission<M>

  constructor(target: Target<M>, subprotocol: string | undefined, admission: Admission<M>) {
    this.target = target
    this.subprotocol = subprotocol
    this.metadata = admission.metadata
    this.admission = admission
  }

  connect(peer: Peer): Receiver {
    return this.target.connect(peer, this)
  }
}

/**
 * Hands on a frame that arrived. One that is larger than its target takes ends the connection with 1009; a transport that
 * has one limit for all connections may let it through.
 */
export function deliver({ target }: Upgrade, receiver: Receiver | undefined, host: Host, frame: Frame): void {
  const { maxMessageSize } = target.limits
  if (!isLonger(host, frame, maxMessageSize)) receiver?.receive(frame)
  else receiver?.close(CLOSE.messageTooBig, `A frame may have ${maxMessageSize} bytes.`)
}

/** A text within the limit in characters may still be over it in bytes. */
function isLonger(host: Host, frame: Frame, limit: number): boolean {
  if (frame.length > limit) return true
  return typeof frame === 'string' && frame.length * 3 > limit && host.byteLength(frame) > limit
}
