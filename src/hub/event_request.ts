import type { Contract } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { StandardSchema } from '../protocol/standard_schema.ts'
import type { Appended } from '../storage/store.ts'
import type { Connection } from './connection.ts'
import type { Published } from './context.ts'
import type { HubCore } from './core.ts'
import { payloadText, validate } from './definitions.ts'
import { roomOf } from './requests.ts'
import { RoomHandle } from './room_handle.ts'
import type { Session } from './session.ts'

/** Not allowed in clients' keys, so that the keys derived from one cannot be another one. */
const KEY_SEPARATOR = '\u001f'

/** One event from a client on its way to its room, directly or through the application's handler. */
export class EventRequest<C extends Contract, M> {
  readonly #core: HubCore<C, M>
  readonly #connection: Connection
  readonly #envelope: Envelope
  readonly #durable: boolean
  readonly #published: Promise<Published>[] = []
  /** Told to the client already, by the journal; a handler that rethrows it must not tell it twice. */
  #told: unknown

  constructor(core: HubCore<C, M>, connection: Connection, envelope: Envelope, durable: boolean) {
    this.#core = core
    this.#connection = connection
    this.#envelope = envelope
    this.#durable = durable
  }

  /** What happens without a handler: publish to the room, answer the ack. */
  forward(text: string): void {
    const { type, key } = this.#envelope
    const room = roomOf(this.#envelope)
    const connection = this.#connection
    if (this.#durable) {
      const origin = { connection, ref: this.#envelope.ref }
      return this.#core.append(room, type, text, connection.id, key ?? null, origin)
    }
    this.#core.emit(room, type, text, connection.id)
    this.finish()
  }

  context(schema: StandardSchema): {
    readonly session: Session<C, M>
    readonly room: RoomHandle<C, M>
    readonly type: string
    readonly ref: string | undefined
    publish(payload: unknown): Promise<Published> | void
  } {
    const core = this.#core
    const envelope = this.#envelope
    return {
      session: core.sessionOf(this.#connection),
      type: envelope.type,
      ref: envelope.ref,
      get room() {
        return new RoomHandle(core, roomOf(envelope))
      },
      publish: (payload) => this.#publish(schema, payload),
    }
  }

  isPublishing(promise: PromiseLike<unknown>): boolean {
    return (this.#published as PromiseLike<unknown>[]).includes(promise)
  }

  /** The handler is done: what was published answers when committed; where nothing was, this does. */
  finish(): void {
    const { type, room, ref } = this.#envelope
    if (this.#published.length > 0 || ref === undefined) return
    if (!this.#durable) return this.#connection.sendReserved('ack', {}, { room, ref })
    throw new RotundaError('not_stored', `The handler of ${quote(type)} took the message and stored nothing.`)
  }

  /** @throws what the handler threw, unless the client knows it already. */
  fail(error: unknown): void {
    if (error !== this.#told) throw error
  }

  #tell(thrown: unknown): void {
    if (thrown === this.#told) return
    this.#told = thrown
    const error = asRotundaError(thrown)
    if (error.code === 'internal') this.#core.publisher.report(thrown)
    this.#connection.sendError(error, { room: this.#envelope.room, ref: this.#envelope.ref })
  }

  #publish(schema: StandardSchema, payload: unknown): Promise<Published> | void {
    const { type, key } = this.#envelope
    const room = roomOf(this.#envelope)
    const value = validate(schema, payload)
    if (!this.#durable) {
      return this.#core.whenChecked(value, (text) => this.#core.emit(room, type, text, this.#connection.id))
    }
    const count = this.#published.length
    const publishing = value instanceof Promise
      ? value.then((checked) => this.#append(room, payloadText(checked), key, count))
      : this.#append(room, payloadText(value), key, count)
    // A handler may let it go; its client learns of the failure all the same, once.
    publishing.catch((error) => count === 0 && this.#tell(error))
    this.#published.push(publishing)
    return publishing
  }

  #append(room: string, text: string, key: string | undefined, count: number): Promise<Published> {
    const { type, ref } = this.#envelope
    const connection = this.#connection
    return new Promise((resolve, reject) => {
      const ownKey = key === undefined ? null : count === 0 ? key : `${key}${KEY_SEPARATOR}${count + 1}`
      this.#core.append(room, type, text, connection.id, ownKey, {
        ...(count === 0 ? { connection, ref } : {}),
        resolve: ({ id, seq }: Appended) => resolve({ id, seq }),
        reject: (error) => {
          this.#told = error
          reject(error)
        },
      })
    })
  }
}
