import type { Protocol } from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { forCaller } from './caller.ts'
import { after, check, definitionOf } from './check.ts'
import type { Connection } from './connection/connection.ts'
import { Outbox, type RequestOptions } from './outbox.ts'
import type { Receiver } from './receiver.ts'
import type { Published } from './types.ts'

/** How a message is traced. */
export interface TraceOptions {
  /** Where it belongs in a trace, as W3C Trace Context writes it; who gets the message live gets this, too. */
  readonly traceparent?: string | undefined
}

/** How to publish. */
export interface PublishOptions extends TraceOptions {
  /** Aborting it rejects the call with `aborted`; what was sent already may be stored all the same. */
  readonly signal?: AbortSignal | undefined
  /**
   * Producer key, 1 to 128 printable characters: within the room the same key is the same message. Default: unique.
   * Give one where a publish must be repeatable beyond this client's life.
   */
  readonly key?: string | undefined
}

/** How to send outside of a room. */
export interface SendOptions extends TraceOptions {
  /** The session to send to, `*` for all. Default: the server, where a handler takes it. */
  readonly to?: string | undefined
}

/** How to send so that the server tells when it has taken it. */
export interface AckOptions extends SendOptions, RequestOptions {
  readonly ack: true
}

/** What an application asks for, checked against the contract and on its way to the server. */
export class Calls extends Outbox {
  declare readonly protocol: Protocol

  constructor(protocol: Protocol, connection: Connection) {
    super(connection)
    this.protocol = protocol
  }

  /**
   * Sends an event: a promise where it is stored or an ack is asked for, nothing otherwise.
   * @param receiver Of the room: its cipher, what waits for its validators, and told of what fails late where there is
   * no promise.
   */
  publish(
    receiver: Receiver,
    room: string | undefined,
    type: string,
    payload: unknown,
    options: PublishOptions & Partial<AckOptions>,
  ): Promise<Published> | void {
    const definition = known(definitionOf(this.protocol, type, 'event'), type)
    const durable = definition.durable && room !== undefined
    const { ack, to, traceparent, key = durable ? randomName() : undefined } = options
    const get = () =>
      after(
        check(definition.schema, payload),
        (checked) => receiver.cipher?.seal(checked, { room: room!, type, key: key ?? '' }) ?? checked,
      )
    const envelope = (sealed: unknown) => ({ type, room, to, key, traceparent, payload: sealed }) as Envelope
    if (durable || ack) {
      return forCaller(
        new Promise<unknown>((resolve, reject) => {
          receiver.sending.add(
            get,
            (sealed) => this.ask(envelope(sealed), { resolve, reject }, options, durable),
            reject,
          )
        }) as Promise<Published>,
      )
    }
    // What is wrong with it is thrown at once, where it is known at once.
    const value = get()
    receiver.sending.add(
      () => value,
      (sealed) => this.post(envelope(sealed)),
      (error) => receiver.report(error, { room, type } as Partial<Envelope>),
    )
  }

  request(
    room: string | undefined,
    type: string,
    payload: unknown,
    options: RequestOptions & TraceOptions,
  ): Promise<unknown> {
    const ask = async () => {
      const { request, response } = known(definitionOf(this.protocol, type, 'rpc'), type)
      const { traceparent } = options
      const envelope = { type, room, traceparent, payload: await check(request, payload) } as Envelope
      return check(response, await this.call(envelope, options))
    }
    return forCaller(ask())
  }
}

function known<D>(definition: D | undefined, type: string): D {
  if (!definition) throw new RotundaError('unknown_type', `No "${type}" here.`)
  return definition
}

/**
 * 128 random bits, anew for every message: members of an encrypted room see each other's keys, and who could tell the
 * next one would publish under it first, in its place. Not `crypto.randomUUID`, which browsers keep from pages without TLS.
 */
function randomName(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('')
}
