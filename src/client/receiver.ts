import type { Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { InOrder } from './in_order.ts'
import { Listeners } from './listeners.ts'
import { after, check, definitionOf } from './check.ts'
import type { Cipher, FoundAt } from './encryption/cipher.ts'
import type { ErrorContext } from './types.ts'

/** A message as handlers see it, whatever its event. */
export type AnyMessage = { readonly type: string; readonly payload: unknown }

/** Who knows what comes under its name, knows what it gets. */
type Handler = (...args: never[]) => unknown

/** Handlers of events by name, and the way of an envelope to them: its payload checked, its fields picked. */
export class Receiver {
  declare readonly cipher: Cipher | undefined
  readonly #protocol: Protocol
  readonly #parent: Receiver | undefined
  readonly #context: ErrorContext
  readonly #handlers = new Map<string, Listeners<never[]>>()
  /** What is sent in this room: a validator that never ends holds up no other. */
  readonly sending: InOrder = new InOrder()
  readonly #deliveries = new InOrder()

  /** @param parent Told of errors that nobody here listens to. */
  constructor(protocol: Protocol, parent?: Receiver, context: ErrorContext = {}, cipher?: Cipher) {
    this.#protocol = protocol
    this.#parent = parent
    this.#context = context
    this.cipher = cipher
  }

  /** @param type An event, or `session.…`, `room.…` or `error`, which no event is called: of these it is told by `tell`. */
  on(type: string, handler: Handler): () => void {
    let handlers = this.#handlers.get(type)
    if (!handlers) this.#handlers.set(type, handlers = new Listeners())
    return handlers.add(handler)
  }

  /** Tells handlers of what is no event of the contract. */
  tell(type: string, value: unknown): void {
    this.#handlers.get(type)?.tell(this.report, value as never)
  }

  /** False while too many messages wait for an asynchronous validator. */
  get isReady(): boolean {
    return this.#deliveries.waiting < 1_000
  }

  /**
   * Passes a message on, after all that came before it; its payload is checked where somebody handles it.
   * @param advance Called first; false when the message is not wanted any more.
   */
  deliver(envelope: Envelope, advance: () => unknown = () => true): void {
    const handlers = this.#handlers.get(envelope.type)
    const failed = (error: unknown) => this.report(error, envelope)
    this.#deliveries.add(
      () => handlers && this.read(envelope),
      (message) => advance() && message && handlers!.tell(failed, message as never),
      (error) => advance() && failed(error),
    )
  }

  /**
   * The message of an envelope, at once where nothing is to be awaited; undefined for an unknown event.
   * @throws {RotundaError} `invalid_payload`, or what the room's cipher says.
   */
  read(envelope: Envelope): AnyMessage | undefined | Promise<AnyMessage> {
    const { type, payload } = envelope
    const definition = definitionOf(this.#protocol, type, 'event')
    if (!definition) return undefined
    const { durable, schema } = definition
    // Of a room's history the server may say that it is another's, where the same key would open it.
    const found = { ...envelope, ...this.#context }
    const message = (checked: unknown) => ({ ...durable && { id: '', seq: 0 }, ...found, payload: checked })
    const opened = this.cipher ? this.cipher.open(payload, found as FoundAt) : payload
    return after(opened, (content) => after(check(schema, content), message))
  }

  /** Tells an error to who listens here, else to the parent's listeners, else to the console. */
  readonly report = (thrown: unknown, about: ErrorContext = this.#context): void => {
    const error = thrown instanceof RotundaError
      ? thrown
      : new RotundaError('internal', `A handler failed: ${thrown}`, { cause: thrown })
    if (this.#handlers.get('error')?.tell(console.error, error as never, about as never)) return
    if (this.#parent) this.#parent.report(error, about)
    else console.error(error)
  }
}
