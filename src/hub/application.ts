import type { Contract, EventDefinition, RpcDefinition } from '../protocol/contract.ts'
import type { Frame } from '../protocol/codec.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkProducerKey, checkRoomName, quote } from '../protocol/names.ts'
import type { Payload } from '../protocol/payload.ts'
import { isReservedType } from '../protocol/reserved.ts'
import type { Connection } from './connection.ts'
import type { TypedHandler } from './counted.ts'
import type { HubCore } from './core.ts'
import { encodePayload, validate } from './definitions.ts'
import { sendDirect } from './direct.ts'
import { EventRequest } from './event_request.ts'
import { HandlerContext } from './handler_context.ts'
import type { AnyHandler, Handlers } from './handlers.ts'
import type { ReservedRequests } from './reserved_requests.ts'
import { isThenable } from './thenable.ts'

/** Handles what clients send: rotunda's own requests, and the application's events and requests. */
export class Application<C extends Contract, M> implements TypedHandler {
  readonly #core: HubCore<C, M>
  readonly #handlers: Handlers<C, M>
  readonly #reserved: ReservedRequests<C, M>

  constructor(core: HubCore<C, M>, handlers: Handlers<C, M>, reserved: ReservedRequests<C, M>) {
    this.#core = core
    this.#handlers = handlers
    this.#reserved = reserved
  }

  raw(connection: Connection<M>, frame: Frame): boolean | Promise<boolean> {
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

  knows(type: string): boolean {
    return this.#core.definitions.has(type) || this.#reserved.has(type)
  }

  report(error: unknown, connection: Connection<M>): void {
    this.#handlers.report(error, this.#core.sessionOf(connection))
  }

  envelope(connection: Connection<M>, envelope: Envelope): void | Promise<void> {
    const { type, kind } = envelope
    if (kind === 'reply') return this.#reply(connection, envelope)
    if (isReservedType(type)) return this.#reserved.get(type)(this.#core, connection, envelope)
    const definition = this.#core.definitions.get(type)
    if (envelope.room !== undefined) checkRoomName(envelope.room)
    const handler = this.#handlers.typed(type)
    if (definition.kind === 'rpc') return this.#request(connection, envelope, definition, handler)
    if (envelope.to !== undefined) return sendDirect(this.#core, connection, envelope, definition)
    return this.#event(connection, envelope, definition, handler)
  }

  /** An answer that nobody waits for comes late, or from a confused client: neither can be told anything useful. */
  #reply(connection: Connection<M>, envelope: Envelope): void {
    if (connection.replies?.settle(envelope) !== true) this.#core.counters.repliesDropped += 1
  }

  #event(
    connection: Connection<M>,
    envelope: Envelope,
    definition: EventDefinition,
    handler: AnyHandler<C, M> | undefined,
  ): void | Promise<void> {
    if (envelope.key !== undefined) checkProducerKey(envelope.key)
    const value = this.#core.checkPayload(definition, envelope.room, envelope.payload, envelope.key)
    const then = (checked: unknown) => this.#allowedEvent(connection, envelope, definition, handler, checked)
    return value instanceof Promise ? value.then(then) : then(value)
  }

  #allowedEvent(
    connection: Connection<M>,
    envelope: Envelope,
    definition: EventDefinition,
    handler: AnyHandler<C, M> | undefined,
    payload: unknown,
  ): void | Promise<void> {
    const { room } = envelope
    const allowed = room === undefined ? undefined : this.#core.access.check(connection, 'publish', room)
    const then = () => this.#checkedEvent(connection, envelope, definition, handler, payload)
    return allowed === undefined ? then() : allowed.then(then)
  }

  #checkedEvent(
    connection: Connection<M>,
    envelope: Envelope,
    definition: EventDefinition,
    handler: AnyHandler<C, M> | undefined,
    payload: unknown,
  ): void | Promise<void> {
    const request = new EventRequest(this.#core, connection, envelope, definition)
    if (handler === undefined || this.#core.isEncrypted(envelope.room)) return request.forward(encodePayload(payload))
    const result = handler(request.context(), payload as never)
    // What was published answers for itself once it is committed: the next frame need not wait for that.
    if (!isThenable(result) || request.isPublishing(result)) return request.finish()
    return Promise.resolve(result).then(() => request.finish(), (error) => request.fail(error))
  }

  async #request(
    connection: Connection<M>,
    envelope: Envelope,
    definition: RpcDefinition,
    handler: AnyHandler<C, M> | undefined,
  ): Promise<void> {
    const { type, room, ref } = envelope
    if (ref === undefined) throw new RotundaError('invalid_frame', `Request ${quote(type)} needs a "ref" to answer to.`)
    if (handler === undefined) throw new RotundaError('not_found', `Request ${quote(type)} has no handler here.`)
    const request = await validate(definition.request, envelope.payload)
    const answer = await handler(new HandlerContext(this.#core, connection, envelope), request as never)
    connection.sendReply(type, ref, room, await this.#checkedReply(definition, answer))
  }

  /** A reply that does not fit its own contract is the server's fault, and not told in detail. */
  async #checkedReply(definition: RpcDefinition, answer: unknown): Promise<Payload> {
    try {
      return encodePayload(await validate(definition.response, answer))
    } catch (cause) {
      throw new RotundaError('internal', 'The server failed to answer this request.', { cause })
    }
  }
}

function attempt(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return Promise.reject(error)
  }
}
