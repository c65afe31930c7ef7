import type { Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { InOrder } from './in_order.ts'
import { Listeners } from './listeners.ts'
import { check, definitionOf } from './check.ts'
import type { ErrorContext, ErrorHandler } from './types.ts'

/** Messages that may wait for an asynchronous validator. */
const MAX_UNCHECKED = 1_000

/** Told of what went wrong with a message. */
export type Thrown = (error: unknown, about?: Envelope) => void

/** A message as handlers see it, whatever its event. */
export type AnyMessage = { readonly type: string; readonly payload: unknown }

/** Handlers of events by name, and the way of an envelope to them: its payload checked, its fields picked. */
export class Receiver {
  readonly #protocol: Protocol
  readonly #clientErrors: Listeners<Parameters<ErrorHandler>>
  readonly #handlers = new Map<string, Listeners<[AnyMessage]>>()
  readonly #deliveries = new InOrder()

  constructor(protocol: Protocol, clientErrors: Listeners<Parameters<ErrorHandler>>) {
    this.#protocol = protocol
    this.#clientErrors = clientErrors
  }

  on(type: string, handler: (message: AnyMessage) => unknown): () => void {
    let handlers = this.#handlers.get(type)
    if (handlers === undefined) this.#handlers.set(type, handlers = new Listeners())
    return handlers.add(handler)
  }

  /** False while too many messages wait for an asynchronous validator. */
  get isReady(): boolean {
    return this.#deliveries.waiting < MAX_UNCHECKED
  }

  /**
   * Passes a message on, after all that came before it; its payload is checked where somebody handles it.
   * @param advance Called first; false when the message is not wanted any more.
   */
  deliver(envelope: Envelope, thrown: Thrown, advance = () => true): void {
    const handlers = this.#handlers.get(envelope.type)
    this.#deliveries.add(
      () => handlers && this.read(envelope),
      (message) => {
        if (advance() && message !== undefined) handlers?.tell((error) => thrown(error, envelope), message)
      },
      (error) => {
        if (advance()) thrown(error, envelope)
      },
    )
  }

  /** Does something after all messages that came before it. */
  afterwards(call: () => void): void {
    this.#deliveries.add(() => {}, call, call)
  }

  /**
   * The message of an envelope, at once where the validator is synchronous; undefined for an unknown event.
   * @throws {RotundaError} `invalid_payload`
   */
  read(envelope: Envelope): AnyMessage | undefined | Promise<AnyMessage> {
    const { type, room, id = '', seq = 0, ts = 0, from, payload } = envelope
    const definition = definitionOf(this.#protocol, type, 'event')
    if (definition === undefined) return undefined
    const message = (checked: unknown) => {
      return { type, room, ...(definition.durable ? { id, seq } : {}), ts, from, payload: checked } as AnyMessage
    }
    const checked = check(definition.schema, payload)
    return checked instanceof Promise ? checked.then(message) : message(checked)
  }

  /** Tells an error to a room's listeners, else to the client's, else to the console. */
  report(thrown: unknown, about: ErrorContext, listeners = this.#clientErrors): void {
    const error = thrown instanceof RotundaError
      ? thrown
      : new RotundaError('internal', `A handler failed: ${thrown}`, { cause: thrown })
    for (const told of [listeners, this.#clientErrors]) {
      if (told.size > 0) return told.tell(console.error, error, about)
    }
    console.error(error)
  }
}
