import type { Contract, EventDefinition } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { Payload } from '../protocol/payload.ts'
import type { Appended } from '../storage/store.ts'
import type { Connection } from './connection.ts'
import type { Published } from './context.ts'
import type { HubCore } from './core.ts'
import { encodePayload, validate } from './definitions.ts'
import { HandlerContext } from './handler_context.ts'
import type { Origin } from './publisher.ts'
import { roomOf } from './requests.ts'

/** Not allowed in clients' keys, so that the keys derived from one cannot be another one. */
const KEY_SEPARATOR = '\u001f'

/** One event from a client on its way to its room, directly or through the application's handler. */
export class EventRequest<C extends Contract, M> {
  readonly #core: HubCore<C, M>
  readonly #connection: Connection
  readonly #envelope: Envelope
  readonly #definition: EventDefinition
  readonly #published: Promise<Published>[] = []
  /** Told to the client already, by the journal; a handler that rethrows it must not tell it twice. */
  #told: unknown

  constructor(core: HubCore<C, M>, connection: Connection, envelope: Envelope, definition: EventDefinition) {
    this.#core = core
    this.#connection = connection
    this.#envelope = envelope
    this.#definition = definition
  }

  /** What happens without a handler: publish to the room, answer the ack. */
  forward(payload: Payload): void {
    const { ref } = this.#envelope
    const connection = this.#connection
    if (this.#definition.durable) return this.#push(payload, this.#key ?? null, { connection, ref })
    this.#emit(payload)
    this.finish()
  }

  context(): HandlerContext<C, M> & { publish(payload: unknown): Promise<Published> | void } {
    const context = new HandlerContext(this.#core, this.#connection, this.#envelope)
    return Object.assign(context, { publish: (payload: unknown) => this.#publish(payload) })
  }

  isPublishing(promise: PromiseLike<unknown>): boolean {
    return (this.#published as PromiseLike<unknown>[]).includes(promise)
  }

  /** The handler is done: what was published answers when committed; where nothing was, this does. */
  finish(): void {
    const { type, room, ref } = this.#envelope
    if (this.#published.length > 0 || ref === undefined) return
    if (!this.#definition.durable) return this.#connection.sendReserved('ack', {}, { room, ref })
    throw new RotundaError('not_stored', `The handler of ${quote(type)} took the message and stored nothing.`)
  }

  /** @throws what the handler threw, unless the client knows it already. */
  fail(error: unknown): void {
    if (error !== this.#told) throw error
  }

  /** The producer key as it is stored. */
  get #key(): string | undefined {
    const { key } = this.#envelope
    return key === undefined ? undefined : this.#connection.keyOwner + key
  }

  #tell(thrown: unknown): void {
    if (thrown === this.#told) return
    this.#told = thrown
    const error = asRotundaError(thrown)
    if (error.code === 'internal') this.#core.publisher.report(thrown)
    this.#connection.sendError(error, { room: this.#envelope.room, ref: this.#envelope.ref })
  }

  #publish(payload: unknown): Promise<Published> | void {
    const value = validate(this.#definition.schema, payload)
    if (!this.#definition.durable) return this.#core.whenChecked(value, (checked) => this.#emit(checked))
    const count = this.#published.length
    const publishing = value instanceof Promise
      ? value.then((checked) => this.#append(encodePayload(checked), count))
      : this.#append(encodePayload(value), count)
    // A handler may let it go; its client learns of the failure all the same, once.
    publishing.catch((error) => count === 0 && this.#tell(error))
    this.#published.push(publishing)
    return publishing
  }

  #append(payload: Payload, count: number): Promise<Published> {
    const { ref } = this.#envelope
    const key = this.#key
    const connection = this.#connection
    return new Promise((resolve, reject) => {
      const ownKey = key === undefined ? null : count === 0 ? key : `${key}${KEY_SEPARATOR}${count + 1}`
      this.#push(payload, ownKey, {
        ...(count === 0 ? { connection, ref } : {}),
        resolve: ({ id, seq }: Appended) => resolve({ id, seq }),
        reject: (error) => {
          this.#told = error
          reject(error)
        },
      })
    })
  }

  #push(payload: Payload, key: string | null, origin: Omit<Origin, 'traceparent'>): void {
    const { type, traceparent } = this.#envelope
    const message = { room: roomOf(this.#envelope), type, payload, from: this.#connection.id, key }
    this.#core.append(message, traceparent === undefined ? origin : { ...origin, traceparent })
  }

  #emit(payload: Payload): void {
    const { type, traceparent } = this.#envelope
    this.#core.emit({ room: roomOf(this.#envelope), type, payload, from: this.#connection.id, traceparent })
  }
}
