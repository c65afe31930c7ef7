import type { Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { InOrder } from './in_order.ts'
import { Listeners } from './listeners.ts'
import { check, definitionOf } from './check.ts'
import type { ErrorContext, ErrorHandler } from './types.ts'

/** Messages that may wait for an asynchronous validator. */
const MAX_UNCHECKED = 1_000

/** A message as handlers see it, whatever its event. */
export type AnyMessage = { readonly type: string; readonly payload: unknown }

/** Handlers of events by name, and the way of an envelope to them: its payload checked, its fields picked. */
export class Receiver {
  /** Told of what goes wrong here. */
  readonly errors: Listeners<Parameters<ErrorHandler>> = new Listeners()
  readonly #protocol: Protocol
  readonly #parent: Receiver | undefined
  readonly #context: ErrorContext
  readonly #handlers = new Map<string, Listeners<[AnyMessage]>>()
  readonly #deliveries = new InOrder()

  /** @param parent Told of errors that nobody here listens to. */
  constructor(protocol: Protocol, parent?: Receiver, context: ErrorContext = {}) {
    this.#protocol = protocol
    this.#parent = parent
    this.#context = context
  }

  /** A receiver for one room. */
  forRoom(room: string): Receiver {
    return new Receiver(this.#protocol, this, { room })
  }

  on(type: string, handler: (message: AnyMessage) => unknown): () => void {
    let handlers = this.#handlers.get(type)
    if (!handlers) this.#handlers.set(type, handlers = new Listeners())
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
  deliver(envelope: Envelope, advance = () => true): void {
    const handlers = this.#handlers.get(envelope.type)
    const failed = (error: unknown) => this.report(error, envelope)
    this.#deliveries.add(
      () => handlers && this.read(envelope),
      (message) => {
        if (advance() && message) handlers?.tell(failed, message)
      },
      (error) => {
        if (advance()) failed(error)
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
    if (!definition) return undefined
    const message = (checked: unknown) => {
      return { type, room, ...(definition.durable ? { id, seq } : {}), ts, from, payload: checked } as AnyMessage
    }
    const checked = check(definition.schema, payload)
    return checked instanceof Promise ? checked.then(message) : message(checked)
  }

  /** Tells an error to who listens here, else to the parent's listeners, else to the console. */
  readonly report = (thrown: unknown, about: ErrorContext = this.#context): void => {
    const error = thrown instanceof RotundaError
      ? thrown
      : new RotundaError('internal', `A handler failed: ${thrown}`, { cause: thrown })
    for (const { errors } of [this, this.#parent ?? this]) if (errors.tell(console.error, error, about)) return
    console.error(error)
  }
}
