import type { Contract, EventDefinition, Protocol, RpcDefinition } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { forCaller } from './answers.ts'
import { InOrder } from './in_order.ts'
import type { Link } from './link.ts'
import { check } from './check.ts'
import type { PublishQueue } from './publish_queue.ts'
import type { RequestOptions, Requests } from './requests.ts'
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

/** Bytes that may wait for the network before ephemeral events are dropped. */
const MAX_BUFFERED = 1024 * 1024

/** What an application asks for, checked against the contract and on its way to the server. */
export class Calls {
  readonly #definitions: Contract
  readonly #link: Link
  readonly #queue: PublishQueue
  readonly #requests: Requests
  readonly #publishes = new InOrder()
  readonly #producer = randomName()
  #published = 0

  constructor(protocol: Protocol, link: Link, queue: PublishQueue, requests: Requests) {
    this.#definitions = protocol.definitions
    this.#link = link
    this.#queue = queue
    this.#requests = requests
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
    const definition = this.#definition(type, 'event')
    return definition.durable
      ? this.#publishDurable(definition, room, type, payload, options)
      : this.#send(definition, { room, type }, payload, failed)
  }

  /** Sends an event outside of any room, at most once. */
  send(type: string, payload: unknown, failed: (error: unknown) => void): void {
    this.#send(this.#definition(type, 'event'), { type }, payload, failed)
  }

  request(room: string | undefined, type: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    return forCaller(this.#request(room, type, payload, options))
  }

  async #request(room: string | undefined, type: string, payload: unknown, options: RequestOptions): Promise<unknown> {
    const { request, response } = this.#definition(type, 'rpc')
    const target = room === undefined ? { type } : { type, room }
    const answer = await this.#requests.call({ ...target, payload: await check(request, payload) }, options)
    return check(response, answer)
  }

  #publishDurable(
    { schema }: EventDefinition,
    room: string,
    type: string,
    payload: unknown,
    { signal, key = `${this.#producer}:${++this.#published}` }: PublishOptions,
  ): Promise<Published> {
    const add = (checked: unknown) => this.#queue.add({ type, room, key, payload: checked }, signal)
    return forCaller(
      new Promise((resolve, reject) => {
        this.#publishes.add(() => check(schema, payload), (checked) => add(checked).then(resolve, reject), reject)
      }),
    )
  }

  #send(
    { schema }: EventDefinition,
    target: { readonly type: string; readonly room?: string },
    payload: unknown,
    failed: (error: unknown) => void,
  ): void {
    const send = (checked: unknown) => {
      const text = this.#link.encode({ ...target, payload: checked })
      if (this.#link.bufferedAmount <= MAX_BUFFERED) this.#link.send(text)
    }
    const checked = check(schema, payload)
    if (checked instanceof Promise) checked.then(send).catch(failed)
    else send(checked)
  }

  #definition(type: string, kind: 'event'): EventDefinition
  #definition(type: string, kind: 'rpc'): RpcDefinition
  #definition(type: string, kind: 'event' | 'rpc'): EventDefinition | RpcDefinition {
    const definition = Object.hasOwn(this.#definitions, type) ? this.#definitions[type] : undefined
    if (definition?.kind === kind) return definition
    throw new RotundaError('unknown_type', `The protocol has no ${kind} ${JSON.stringify(type)}.`)
  }
}

/** 96 random bits. Not `crypto.randomUUID`, which browsers keep from pages without TLS. */
function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (word) => word.toString(36)).join('')
}
