import type { Contract, EventDefinition, Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { Listeners } from './listeners.ts'
import { check } from './check.ts'
import type { ErrorContext, ErrorHandler } from './types.ts'

/** Told of what went wrong with a message. */
export type Thrown = (error: unknown, about?: Envelope) => void

/** A message as handlers see it, whatever its event. */
export type AnyMessage = { readonly type: string; readonly payload: unknown }

/** Handlers of events by name, and the way of an envelope to them: its payload checked, its fields picked. */
export class Receiver {
  readonly #definitions: Contract
  readonly #clientErrors: Listeners<Parameters<ErrorHandler>>
  readonly #handlers = new Map<string, Listeners<[AnyMessage]>>()

  constructor(protocol: Protocol, clientErrors: Listeners<Parameters<ErrorHandler>>) {
    this.#definitions = protocol.definitions
    this.#clientErrors = clientErrors
  }

  on(type: string, handler: (message: AnyMessage) => unknown): () => void {
    let handlers = this.#handlers.get(type)
    if (handlers === undefined) this.#handlers.set(type, handlers = new Listeners())
    return handlers.add(handler)
  }

  /** How to get a message's payload, and how to tell its handlers. What nobody handles is not checked. */
  prepare(envelope: Envelope): { read(): unknown; tell(payload: unknown, thrown: Thrown): void } {
    const handlers = this.#handlers.get(envelope.type)
    const definition = this.#definition(envelope)
    if (handlers === undefined || handlers.size === 0 || definition === undefined) return { read() {}, tell() {} }
    return {
      read: () => check(definition.schema, envelope.payload),
      tell: (payload, thrown) =>
        handlers.tell((error) => thrown(error, envelope), messageOf(definition, envelope, payload)),
    }
  }

  /**
   * The message of an envelope; undefined for an event that is not in this contract.
   * @throws {RotundaError} `invalid_payload`
   */
  async read(envelope: Envelope): Promise<AnyMessage | undefined> {
    const definition = this.#definition(envelope)
    return definition && messageOf(definition, envelope, await check(definition.schema, envelope.payload))
  }

  /** Passes on a message that is not part of a log. */
  async receive(envelope: Envelope, thrown: Thrown): Promise<void> {
    const { read, tell } = this.prepare(envelope)
    try {
      const payload = read()
      tell(payload instanceof Promise ? await payload : payload, thrown)
    } catch (error) {
      thrown(error, envelope)
    }
  }

  /** Tells an error to a room's listeners, else to the client's, else to the console. */
  report(thrown: unknown, about: ErrorContext, listeners = this.#clientErrors): void {
    const error = thrown instanceof RotundaError
      ? thrown
      : new RotundaError('internal', `A handler of ${JSON.stringify(about.type ?? 'the client')} failed.`, {
        cause: thrown,
      })
    const log = (failure: unknown) => console.error(failure)
    const told = listeners.size > 0 ? listeners : this.#clientErrors
    if (told.size > 0) told.tell(log, error, about)
    else log(error)
  }

  #definition({ type }: Envelope): EventDefinition | undefined {
    const definition = Object.hasOwn(this.#definitions, type) ? this.#definitions[type] : undefined
    return definition?.kind === 'event' ? definition : undefined
  }
}

function messageOf({ durable }: EventDefinition, envelope: Envelope, payload: unknown): AnyMessage {
  const { type, room, id = '', seq = 0, ts = 0, from } = envelope
  return { type, room, ...(durable ? { id, seq } : {}), ts, from, payload } as AnyMessage
}
