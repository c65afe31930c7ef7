import type { Codec, Frame } from '../protocol/codec.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { chunk } from './chunks.ts'
import type { Host } from './peer.ts'
import type { Connection } from './connection.ts'
import { countOut, type Sent, type Traffic } from './traffic.ts'

export const NOTHING_SENT: Sent = { frames: 0, messages: 0, bytes: 0 }

/** Who can be live in a channel. */
export interface Subscriber {
  readonly connection: Connection
}

/** How a connection's frames look: which codec, and whether a frame may carry several envelopes. */
export interface Variant {
  readonly codec: Codec
  readonly batches: boolean
}

/** A batch as the frames of one variant. */
export function encodeFrames(variant: Variant, batch: readonly EncodedEnvelope[]): Frame[] {
  const { codec } = variant
  return variant.batches
    ? chunk(batch).map((piece) => codec.encode(piece))
    : batch.map((envelope) => codec.encode([envelope]))
}

/** Bytes sent to a channel after which its subscribers' buffers are looked at. */
const CHECK_EVERY = 64 * 1024

/**
 * The live subscribers of one room, or watchers of its presence, that get the very same frames: one host, one variant.
 * Where the host has topics it is one native topic, elsewhere a loop.
 */
export class Channel<S extends Subscriber = Subscriber> {
  readonly variant: Variant
  readonly #host: Host
  readonly #topic: string
  readonly #highWaterMark: number
  readonly #traffic: Traffic
  readonly #live = new Set<S>()
  #sinceCheck = 0
  /** Frames, envelopes and bytes each subscriber was sent so far; a connection's share is a difference of two readings. */
  readonly sent = { frames: 0, messages: 0, bytes: 0 }

  /** @param traffic Where what all subscribers are sent is counted. */
  constructor(room: string, host: Host, variant: Variant, highWaterMark: number, traffic: Traffic) {
    this.variant = variant
    this.#host = host
    this.#topic = `${variant.codec.name}:${variant.batches ? 'batch' : 'single'}:${room}`
    this.#highWaterMark = highWaterMark
    this.#traffic = traffic
  }

  /** How many are live. */
  get size(): number {
    return this.#live.size
  }

  /** What each subscriber was sent since `sent` was read. */
  sentSince(before: Sent): Sent {
    const { frames, messages, bytes } = this.sent
    return { frames: frames - before.frames, messages: messages - before.messages, bytes: bytes - before.bytes }
  }

  serves(host: Host, variant: Variant): boolean {
    return this.#host === host && this.variant.codec === variant.codec && this.variant.batches === variant.batches
  }

  add(subscription: S): void {
    this.#live.add(subscription)
    subscription.connection.peer.subscribe?.(this.#topic)
  }

  remove(subscription: S): void {
    if (this.#live.delete(subscription)) subscription.connection.peer.unsubscribe?.(this.#topic)
  }

  /** Sends envelopes, and the frames that they are, to every live subscriber. */
  deliver(batch: readonly EncodedEnvelope[], frames?: readonly Frame[]): void {
    const { size } = this.#live
    if (size === 0) return
    countOut(this.#traffic, 0, batch.length * size, 0)
    for (const frame of frames ?? encodeFrames(this.variant, batch)) this.#send(frame)
    this.sent.messages += batch.length
  }

  /** Sends envelopes to every live subscriber but one. */
  deliverExcept(batch: readonly EncodedEnvelope[], frames: readonly Frame[], except: Connection): void {
    for (const { connection } of this.#live) {
      if (connection !== except) {
        for (const frame of frames) connection.sendFrame(frame, batch.length / frames.length)
      }
    }
    for (const frame of frames) this.#sinceCheck += this.#bytes(frame)
  }

  /**
   * The subscribers that read too slowly. A native topic does not tell of them; there they are looked for only now and
   * then, so that the cost per delivery stays the topic's, and a peer can gather `CHECK_EVERY` and one batch more.
   */
  slow(): S[] {
    if (this.#sinceCheck < CHECK_EVERY) return []
    this.#sinceCheck = 0
    return [...this.#live].filter(({ connection }) => connection.peer.bufferedAmount > this.#highWaterMark)
  }

  #send(frame: Frame): void {
    const bytes = this.#bytes(frame)
    this.#sinceCheck += bytes
    const { size } = this.#live
    countOut(this.#traffic, size, 0, bytes * size)
    this.sent.frames += 1
    this.sent.bytes += bytes
    if (this.#host.publish !== undefined) this.#host.publish(this.#topic, frame)
    else {
      for (const { connection } of this.#live) if (connection.relay(frame) === 'slow') this.#sinceCheck = CHECK_EVERY
    }
  }

  #bytes(frame: Frame): number {
    return typeof frame === 'string' ? this.#host.byteLength(frame) : frame.byteLength
  }
}
