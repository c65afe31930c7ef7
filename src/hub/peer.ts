import type { Frame } from '../protocol/codec.ts'

/**
 * What became of a frame handed to a peer: `accepted` is on its way, `buffered` waits behind others,
 * `closed` means the connection is over or is being ended because too much waits.
 */
export type SendResult = 'accepted' | 'buffered' | 'closed'

/** What one server offers to all of its peers. */
export interface Host {
  /** Sends a frame to every peer of this host that is subscribed to the topic. Without it the room loops. */
  publish?(topic: string, frame: Frame): void
  /** Length of a text in UTF-8 bytes. */
  byteLength(text: string): number
}

/**
 * One live connection, as a transport provides it: the same object from open to close.
 *
 * The transport tells its {@link Receiver} what happens; that never asks which transport it is.
 */
export interface Peer {
  readonly host: Host
  readonly remoteAddress: string
  /** 0 when the transport does not tell. */
  readonly remotePort: number
  /** What carries it, where that is no WebSocket. */
  readonly transport?: 'sse' | 'poll' | 'send'
  send(frame: Frame): SendResult
  /** Bytes accepted by `send` and not yet taken by the network. */
  readonly bufferedAmount: number
  /** Starts the closing handshake; the end is told through `closed`. */
  close(code: number, reason: string): void
  /** Ends the connection without a handshake. */
  terminate(): void
  /**
   * Whether the transport pings by itself and ends a connection that does not answer. It cannot tell of pongs then, and
   * a connection that says nothing is not idle.
   */
  readonly pingsItself?: boolean
  /** Sends a ping frame, where the transport has them. */
  ping?(data?: Uint8Array): void
  /** Sends an unsolicited pong frame, where the transport has them. */
  pong?(data?: Uint8Array): void
  /** Native topics: come together with the host's `publish`. */
  subscribe?(topic: string): void
  unsubscribe?(topic: string): void
}

/** What a transport tells of a connection that it has handed over. */
export interface Receiver {
  /** A whole message arrived. Bytes are the receiver's to keep. */
  receive(frame: Frame): void
  /** Buffered bytes were taken by the network. */
  drained(): void
  /** A ping arrived; the transport has answered it. */
  pinged(data: Uint8Array): void
  ponged(data: Uint8Array): void
  /** The connection is over. Must be said once, may be said more often. */
  closed(code: number, reason: string): void
  /** Starts the closing handshake, for a transport that found a reason to. */
  close(code: number, reason: string): void
}
