import type { Contract, EventDefinition, RpcDefinition } from '../protocol/contract.ts'
import type { Frame } from '../protocol/codec.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkProducerKey, checkRoomName, quote } from '../protocol/names.ts'
import { isReservedType } from '../protocol/reserved.ts'
import type { Connection } from './connection.ts'
import type { HubCore } from './core.ts'
import { payloadText, validate } from './definitions.ts'
import type { FrameHandler } from './dispatch.ts'
import { EventRequest } from './event_request.ts'
import type { AnyHandler, Handlers } from './handlers.ts'
import { roomOf } from './requests.ts'
import { answerReserved } from './reserved_requests.ts'
import { RoomHandle } from './room_handle.ts'

/** Handles what clients send: rotunda's own requests, and the application's events and requests. */
export class Application<C extends Contract, M> implements FrameHandler {
  readonly #core: HubCore<C, M>
  readonly #handlers: Handlers<C, M>

  constructor(core: HubCore<C, M>, handlers: Handlers<C, M>) {
    this.#core = core
    this.#handlers = handlers
  }

  raw(connection: Connection, frame: Frame): boolean | Promise<boolean> {
    const handlers = this.#handlers.get('message')
    if (handlers.size === 0) return false
    const session = this.#core.sessionOf(connection)
    let handled = false
    const awaited: Promise<unknown>[] = []
    for (const handler of handlers) {
      // Wrapped, so that one that throws does not leave another's promise unheard.
      const result = attempt(() => handler(session, frame))
      if (isThenable(result)) awaited.push(Promise.resolve(result))
      else if (result === 'handled') handled = true
    }
    if (awaited.length === 0) return handled
    return Promise.all(awaited).then((results) => handled || results.includes('handled'))
  }

  report(error: unknown, connection: Connection): void {
    this.#handlers.report(error, this.#core.sessionOf(connection))
  }

  envelope(connection: Connection, envelope: Envelope): void | Promise<void> {
    const { type } = envelope
    if (isReservedType(type)) return answerReserved(this.#core, connection, envelope)
    const definition = this.#core.definitions.get(type)
    if (envelope.room !== undefined) checkRoomName(envelope.room)
    const handler = this.#handlers.typed(type)
    return definition.kind === 'rpc'
      ? this.#request(connection, envelope, definition, handler)
      : this.#event(connection, envelope, definition, handler)
  }

  #event(
    connection: Connection,
    envelope: Envelope,
    definition: EventDefinition,
    handler: AnyHandler<C, M> | undefined,
  ): void | Promise<void> {
    if (envelope.key !== undefined) checkProducerKey(envelope.key)
    const value = validate(definition.schema, envelope.payload)
    if (value instanceof Promise) {
      return value.then((checked) => this.#checkedEvent(connection, envelope, definition, handler, checked))
    }
    return this.#checkedEvent(connection, envelope, definition, handler, value)
  }

  #checkedEvent(
    connection: Connection,
    envelope: Envelope,
    definition: EventDefinition,
    handler: AnyHandler<C, M> | undefined,
    payload: unknown,
  ): void | Promise<void> {
    const request = new EventRequest(this.#core, connection, envelope, definition.durable)
    if (handler === undefined) return request.forward(payloadText(payload))
    const result = handler(request.context(definition.schema), payload as never)
    // What was published answers for itself once it is committed: the next frame need not wait for that.
    if (!isThenable(result) || request.isPublishing(result)) return request.finish()
    return Promise.resolve(result).then(() => request.finish(), (error) => request.fail(error))
  }

  async #request(
    connection: Connection,
    envelope: Envelope,
    definition: RpcDefinition,
    handler: AnyHandler<C, M> | undefined,
  ): Promise<void> {
    const { type, room, ref } = envelope
    if (ref === undefined) throw new RotundaError('invalid_frame', `Request ${quote(type)} needs a "ref" to answer to.`)
    if (handler === undefined) throw new RotundaError('not_found', `Request ${quote(type)} has no handler here.`)
    const request = await validate(definition.request, envelope.payload)
    const core = this.#core
    const answer = await handler({
      session: core.sessionOf(connection),
      type,
      ref,
      get room() {
        return new RoomHandle(core, roomOf(envelope))
      },
    }, request as never)
    const reply = { type, kind: 'reply', ref, payload: payloadText(await this.#checkedReply(definition, answer)) }
    connection.send(room === undefined ? reply : { ...reply, room })
  }

  /** A reply that does not fit its own contract is the server's fault, and not told in detail. */
  async #checkedReply(definition: RpcDefinition, answer: unknown): Promise<unknown> {
    try {
      return await validate(definition.response, answer)
    } catch (cause) {
      throw new RotundaError('internal', 'The server failed to answer this request.', { cause })
    }
  }
}

/** Also what is only awaitable, such as a query that runs when it is. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}

function attempt(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}
