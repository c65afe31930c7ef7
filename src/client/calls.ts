import type { EventDefinition, Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { forCaller } from './caller.ts'
import { InOrder } from './in_order.ts'
import { check, definitionOf } from './check.ts'
import type { Outbox, RequestOptions } from './outbox.ts'
import type { Published } from './types.ts'

/** How to publish. */
export interface PublishOptions {
  /** Aborting it rejects the call with `aborted`; what was sent already may be stored all the same. */
  readonly signal?: AbortSignal | undefined
  /**
   * Producer key, 1 to 128 printable characters: within the room the same key is the same message. Default: unique.
   * Give one where a publish must be repeatable beyond this client's life.
   */
  readonly key?: string | undefined
}

/** What an application asks for, checked against the contract and on its way to the server. */
export class Calls {
  readonly #protocol: Protocol
  readonly #outbox: Outbox
  readonly #publishes = new InOrder()
  readonly #producer = randomName()
  #published = 0

  constructor(protocol: Protocol, outbox: Outbox) {
    this.#protocol = protocol
    this.#outbox = outbox
  }

  /**
   * Publishes to a room: a promise when durable, nothing when ephemeral.
   * @param failed Told when an asynchronous validator refuses an ephemeral payload.
   */
  publish(
    room: string,
    type: string,
    payload: unknown,
    options: PublishOptions,
    failed: (error: unknown) => void,
  ): Promise<Published> | void {
    const definition = known(definitionOf(this.#protocol, type, 'event'), type)
    return definition.durable
      ? this.#publishDurable(definition, room, type, payload, options)
      : this.#send(definition, room, type, payload, failed)
  }

  /** Sends an event outside of any room, at most once. */
  send(type: string, payload: unknown, failed: (error: unknown) => void): void {
    this.#send(known(definitionOf(this.#protocol, type, 'event'), type), undefined, type, payload, failed)
  }

  request(room: string | undefined, type: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    return forCaller(this.#request(room, type, payload, options))
  }

  async #request(room: string | undefined, type: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    const { request, response } = known(definitionOf(this.#protocol, type, 'rpc'), type)
    const envelope = { type, room, payload: await check(request, payload) } as Envelope
    return check(response, await this.#outbox.call(envelope, options))
  }

  #publishDurable(
    { schema }: EventDefinition,
    room: string,
    type: string,
    payload: unknown,
    { signal, key = `${this.#producer}:${++this.#published}` }: PublishOptions,
  ): Promise<Published> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#publishes.add(
      () => check(schema, payload),
      (checked) => this.#outbox.ask({ type, room, key, payload: checked }, { resolve, reject }, { signal }, true),
      reject,
    )
    return forCaller(promise as Promise<Published>)
  }

  #send(
    { schema }: EventDefinition,
    room: string | undefined,
    type: string,
    payload: unknown,
    failed: (error: unknown) => void,
  ): void {
    const send = (checked: unknown) => this.#outbox.post({ type, room, payload: checked } as Envelope)
    const checked = check(schema, payload)
    if (checked instanceof Promise) checked.then(send).catch(failed)
    else send(checked)
  }
}

function known<D>(definition: D | undefined, type: string): D {
  if (definition) return definition
  throw new RotundaError('unknown_type', `No "${type}" in the protocol.`)
}

/** 128 random bits. Not `crypto.randomUUID`, which browsers keep from pages without TLS. */
function randomName(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('')
}
