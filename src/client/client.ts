import type {
  Contract,
  EventInput,
  EventName,
  EventOutput,
  RpcInput,
  RpcName,
  RpcOutput,
} from '../protocol/contract.ts'
import type { Frame } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { Cursor, Welcome } from '../protocol/reserved.ts'
import { type AckOptions, Calls, type SendOptions, type TraceOptions } from './calls.ts'
import { type Clock, systemClock } from './clock.ts'
import { type ClientState, type CloseInfo, Connection } from './connection/connection.ts'
import { sizeOf } from './connection/frames.ts'
import type { Cipher } from './encryption/cipher.ts'
import { Membership } from './membership.ts'
import { type ClientOptions, readOptions } from './options.ts'
import { readError, type RequestOptions } from './outbox.ts'
import { Receiver } from './receiver.ts'
import { Room } from './room.ts'
import type { DirectMessage, ErrorHandler } from './types.ts'

/**
 * From where a room's messages are wanted: after a cursor, the `last` so many first, or with neither from now on. And
 * what makes its payloads illegible to the server, as `encryption` of `rotunda/client/encryption` does.
 */
export type JoinOptions =
  & { readonly cipher?: Cipher | undefined }
  & (
    | { readonly since: Cursor; readonly last?: never }
    | { readonly last: number; readonly since?: never }
    | { readonly last?: never; readonly since?: never }
  )

/** A request's options, and the room it is about. */
export interface ClientRequestOptions extends RequestOptions, TraceOptions {
  readonly room?: string | undefined
}

/**
 * Makes a client and connects it.
 *
 * It comes back by itself when the connection is lost, joins its rooms again from where they were, and sends again what
 * was not acknowledged.
 *
 * @throws {RotundaError} `invalid_config`, naming the option.
 * @example
 * ```ts
 * const client = createClient({ url: 'ws://localhost:8080/ws', protocol: chat })
 * const room = client.join('africa')
 * room.on('chat.message', (m) => console.log(m.seq, m.payload.text))
 * const { id, seq } = await room.publish('chat.message', { user: 'Gaspard', text: 'Hello!' })
 * ```
 */
export function createClient<const C extends Contract>(options: ClientOptions<C>): Client<C> {
  return new Client(options)
}

/** A connection to a server that outlives its sockets, and the rooms on it. Made by {@link createClient}. */
export class Client<C extends Contract> {
  /**
   * For rotunda's own additions, such as presence: `calls` asks the server, and `calls.connection.events`
   * is told all that happens; who wants to know it too puts a function around one of them.
   * @internal
   */
  declare readonly calls: Calls
  /** @internal */
  declare readonly receiver: Receiver
  readonly #rooms = new Map<string, Room<C>>()

  /** Use {@link createClient}. */
  constructor(options: ClientOptions<C>, clock: Clock = systemClock) {
    const { protocol, autoConnect = true } = options
    const receiver = this.receiver = new Receiver(protocol)
    const connection = new Connection(readOptions(options), clock, {
      open: (welcome) => {
        // Rooms first, so that they are joined when the server stores what waited, then in the order of the calls.
        for (const { membership } of this.#rooms.values()) membership.join()
        calls.opened()
        receiver.tell('session.open', welcome)
        if (this.state === 'open') this.#tellState()
      },
      frame: (frame) => receiver.tell('session.frame', frame),
      envelope: (envelope) => {
        const { type, room, seq, payload } = envelope
        if (calls.take(envelope)) return
        const membership = this.#rooms.get(room as string)?.membership
        const { receiver } = membership ?? this
        if (type === 'error') receiver.report(readError(payload), envelope)
        else if (membership) membership.receive(envelope)
        // A message of a log is a room's; it may come after the room was left.
        else if (seq === undefined && receiver.isReady) receiver.deliver(envelope)
      },
      down: (close) => {
        for (const { membership } of this.#rooms.values()) membership.disconnected()
        calls.disconnected()
        if (!close.willReconnect) calls.end()
        const { state } = this
        receiver.tell('session.close', close)
        if (this.state === state) this.#tellState()
      },
    })
    const calls = this.calls = new Calls(protocol, connection)
    options.use?.map((addition) => addition.attach(this))
    if (autoConnect) connection.connect()
  }

  /** Where the connection stands; `onState` tells when it changes. */
  get state(): ClientState {
    return this.calls.connection.state
  }

  /** Connects where the client is `closed`: before the first time, or again after `close()`. Rooms and queue are kept. */
  connect(): void {
    if (this.state !== 'closed') return
    this.calls.isEnded = false
    this.calls.connection.connect()
    this.#tellState()
  }

  /**
   * Ends the connection for good: no reconnect, no timers. Publishes and requests that wait reject with `closed`.
   *
   * @param code 1000, or 3000 to 4999. Default 1000.
   * @param reason At most 123 bytes.
   * @throws {RotundaError} `invalid_config` for a code or a reason that cannot be sent.
   */
  close(code = 1000, reason = ''): void {
    if ((code !== 1000 && !(code >= 3000 && code <= 4999)) || sizeOf(reason) > 123) {
      throw new RotundaError('invalid_config', `Close code ${code} or reason refused.`)
    }
    this.calls.end()
    this.calls.connection.close(code, reason)
  }

  /**
   * Joins a room, now or as soon as there is a connection, and on every later one. Returns the same object for the same
   * name until it is left; then the options of the first call hold.
   *
   * What the server refuses (`invalid_room`, `too_many_rooms`, …) is told to the room's `onError`, and asked again on the
   * next connection.
   *
   * @param options From where its messages are wanted; `last` is 0 to 10,000.
   */
  join(name: string, { cipher, ...from }: JoinOptions = {}): Room<C> {
    const known = this.#rooms.get(name)
    if (known) return known
    const membership = new Membership(
      name,
      from,
      this.calls,
      new Receiver(this.calls.protocol, this.receiver, { room: name }, cipher),
    )
    const room = new Room<C>(this.calls, membership, () => {
      if (this.#rooms.get(name) === room) this.#rooms.delete(name)
      membership.leave()
    })
    this.#rooms.set(name, room)
    return room
  }

  /**
   * Sends an event outside of any room, never stored: to one session, to all (`to: '*'`), or to the server's handler. At
   * most once; dropped while there is no connection.
   *
   * With `ack: true` it gives a promise that resolves when the server has taken it, and waits for a connection.
   *
   * @throws {RotundaError} `invalid_payload`, `message_too_big`; with `ack`, as rejection, also what a request may be
   * rejected with. What the server refuses without one is told to `onError`.
   */
  send<K extends EventName<C>>(type: K, payload: EventInput<C, K>, options: AckOptions): Promise<void>
  send<K extends EventName<C>>(type: K, payload: EventInput<C, K>, options?: SendOptions): void
  send<K extends EventName<C>>(
    type: K,
    payload: EventInput<C, K>,
    options: SendOptions | AckOptions = {},
  ): Promise<unknown> | void {
    return this.calls.publish(this.receiver, undefined, type, payload, options)
  }

  /**
   * Asks the server and gives its answer. `options.room` names the room it is about.
   * @throws {RotundaError} As rejection: `timeout`, `aborted`, `disconnected` (perhaps done), `invalid_payload`,
   * `message_too_big`, `closed`, or what the server answers.
   */
  request<K extends RpcName<C>>(
    type: K,
    payload: RpcInput<C, K>,
    options: ClientRequestOptions = {},
  ): Promise<RpcOutput<C, K>> {
    return this.calls.request(options.room, type, payload, options) as Promise<RpcOutput<C, K>>
  }

  /** Handles events that come outside of joined rooms: to this client alone, or broadcast to everybody. */
  on<K extends EventName<C>>(type: K, handler: (message: DirectMessage<K, EventOutput<C, K>>) => unknown): () => void {
    return this.receiver.on(type, handler)
  }

  /** Told whenever `state` has changed. */
  onState(handler: (state: ClientState) => unknown): () => void {
    return this.receiver.on('session.state', handler)
  }

  /** Told on every connection, when the server has welcomed this client. */
  onOpen(handler: (welcome: Welcome) => unknown): () => void {
    return this.receiver.on('session.open', handler)
  }

  /** Told every frame as it came, text or bytes, before it is decoded; also what is not of the protocol. */
  onMessage(handler: (frame: Frame) => unknown): () => void {
    return this.receiver.on('session.frame', handler)
  }

  /** Told when an open connection has ended, and when there will be no other. */
  onClose(handler: (close: CloseInfo) => unknown): () => void {
    return this.receiver.on('session.close', handler)
  }

  /** Told what went wrong outside of calls, where no room's `onError` is. Without a handler it goes to the console. */
  onError(handler: ErrorHandler): () => void {
    return this.receiver.on('error', handler)
  }

  #tellState(): void {
    this.receiver.tell('session.state', this.state)
  }
}
