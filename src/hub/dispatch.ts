import type { Decoded, Frame } from '../protocol/codec.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import type { Connection } from './connection.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'

/** What dispatch hands on: a whole frame before it is decoded, then each envelope in order. */
export interface FrameHandler {
  /** The raw handlers; true when one of them has dealt with the frame. */
  raw(connection: Connection, frame: Frame): boolean | Promise<boolean>
  envelope(connection: Connection, envelope: Envelope): void | Promise<void>
  report(error: unknown, connection: Connection): void
}

/** How many frames of the largest size may wait on one connection; smaller ones up to `maxInboundQueue`. */
const LARGEST_FRAMES = 16

/**
 * Handles the frames of each connection one after the other, in the order of arrival. Stays synchronous as long as
 * the handlers do; while one is awaited, or the client does not read its answers, further frames of that connection
 * wait in a bounded queue.
 */
export class Dispatch {
  readonly #handler: FrameHandler
  readonly #limits: Limits
  readonly #executor: Executor
  readonly #maxInboundSize: number

  constructor(handler: FrameHandler, limits: Limits, executor: Executor) {
    this.#handler = handler
    this.#limits = limits
    this.#executor = executor
    this.#maxInboundSize = limits.maxMessageSize * LARGEST_FRAMES
  }

  /** Holds a connection's frames back until something that comes before them is done. */
  hold(connection: Connection, until: Promise<void>): void {
    connection.inbound ??= []
    this.#executor.track(until).finally(() => this.#release(connection))
  }

  receive(connection: Connection, frame: Frame): void {
    const { inbound } = connection
    if (inbound === undefined) {
      const handling = this.#frame(connection, frame)
      if (handling !== undefined) this.hold(connection, handling)
      return
    }
    if (connection.replies?.isWaiting === true) settleEarly(connection, connection.variant.codec.decode(frame))
    if (inbound.length < this.#limits.maxInboundQueue && connection.inboundSize < this.#maxInboundSize) {
      inbound.push(frame)
      connection.inboundSize += frame.length
    } else this.#refuse(connection, frame)
  }

  #release(connection: Connection): void {
    const waiting = connection.inbound ?? []
    connection.inbound = undefined
    connection.inboundSize = 0
    for (let i = 0; i < waiting.length && connection.isUsable; i++) {
      const handling = this.#frame(connection, waiting[i]!)
      if (handling === undefined) continue
      connection.inbound = waiting.slice(i + 1)
      connection.inboundSize = connection.inbound.reduce((size, frame) => size + frame.length, 0)
      return this.hold(connection, handling)
    }
    connection.replies?.forgetEarly()
    connection.onIdle?.()
  }

  #frame(connection: Connection, frame: Frame): void | Promise<void> {
    try {
      const dealtWith = this.#handler.raw(connection, frame)
      if (dealtWith === true) return
      if (dealtWith instanceof Promise) return this.#afterRaw(connection, frame, dealtWith)
    } catch (error) {
      return this.#fail(connection, error)
    }
    return this.#envelopes(connection, connection.variant.codec.decode(frame), 0)
  }

  async #afterRaw(connection: Connection, frame: Frame, raw: Promise<boolean>): Promise<void> {
    try {
      if (await raw) return
    } catch (error) {
      return this.#fail(connection, error)
    }
    await this.#envelopes(connection, connection.variant.codec.decode(frame), 0)
  }

  #envelopes(connection: Connection, decoded: Decoded[], from: number): void | Promise<void> {
    for (let i = from; i < decoded.length && connection.isUsable; i++) {
      const { congestion } = connection
      if (congestion !== undefined) return congestion.over.then(() => this.#envelopes(connection, decoded, i))
      const handling = this.#one(connection, decoded[i]!)
      if (handling === undefined) continue
      if (connection.replies?.isWaiting === true) settleEarly(connection, decoded.slice(i + 1))
      return handling.then(() => this.#envelopes(connection, decoded, i + 1))
    }
  }

  #one(connection: Connection, decoded: Decoded): void | Promise<void> {
    connection.countMessage()
    const { envelope } = decoded
    if (envelope === undefined) {
      connection.sendError(decoded.error, { ref: decoded.ref })
      return this.#countError(connection)
    }
    try {
      const handling = this.#handler.envelope(connection, envelope)
      connection.errorsInARow = 0
      return handling?.catch((thrown) => this.#fail(connection, thrown, envelope))
    } catch (thrown) {
      this.#fail(connection, thrown, envelope)
    }
  }

  #fail(connection: Connection, thrown: unknown, about: { room?: string; ref?: string } = {}): void {
    const error = asRotundaError(thrown)
    if (error.code === 'internal') this.#handler.report(thrown, connection)
    connection.sendError(error, { room: about.room, ref: about.ref })
    if (error.code === 'unknown_type' || error.code === 'reserved_type') this.#countError(connection)
  }

  #countError(connection: Connection): void {
    connection.errorsInARow += 1
    if (connection.errorsInARow < this.#limits.maxErrors) return
    connection.closeFor('too_many_errors', `${connection.errorsInARow} frames in a row were not understood.`)
  }

  /** Every refused envelope is answered, so that its sender knows to send it again. */
  #refuse(connection: Connection, frame: Frame): void {
    const message = `More than ${this.#limits.maxInboundQueue} frames wait on this connection; send it again later.`
    const error = new RotundaError('inbound_overflow', message)
    for (const { envelope, ref } of connection.variant.codec.decode(frame) as (Decoded & { ref?: string })[]) {
      if (envelope?.kind === 'reply') continue
      connection.sendError(error, { room: envelope?.room, ref: envelope?.ref ?? ref })
    }
  }
}

/** A handler may be waiting for this very client's answer: it must not wait behind the handler. */
function settleEarly(connection: Connection, decoded: readonly Decoded[]): void {
  for (const { envelope } of decoded) {
    if (envelope?.kind === 'reply') connection.replies?.settleEarly(envelope)
  }
}
