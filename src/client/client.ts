import type {
  Contract,
  EventInput,
  EventName,
  EventOutput,
  RpcInput,
  RpcName,
  RpcOutput,
} from '../protocol/contract.ts'
import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { Cursor, Welcome } from '../protocol/reserved.ts'
import { Calls } from './calls.ts'
import { type Clock, systemClock } from './clock.ts'
import { type ClientState, type CloseInfo, Connection } from './connection/connection.ts'
import { Listeners } from './listeners.ts'
import { fits } from './connection/frames.ts'
import { Membership } from './membership.ts'
import { type ClientOptions, readOptions } from './options.ts'
import { Outbox, readError, type RequestOptions } from './outbox.ts'
import { type AnyMessage, Receiver } from './receiver.ts'
import { Room } from './room.ts'
import type { DirectMessage, ErrorHandler } from './types.ts'

/** From where a room's messages are wanted: after a cursor, the `last` so many first, or with neither from now on. */
export type JoinOptions =
  | { readonly since: Cursor; readonly last?: never }
  | { readonly last: number; readonly since?: never }
  | { readonly last?: never; readonly since?: never }

/** A request's options, and the room it is about. */
export interface ClientRequestOptions extends RequestOptions {
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
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #calls: Calls
  readonly #receiver: Receiver
  readonly #rooms = new Map<string, { readonly room: Room<C>; readonly membership: Membership }>()
  readonly #states = new Listeners<[ClientState]>()
  readonly #opens = new Listeners<[Welcome]>()
  readonly #messages = new Listeners<[string]>()
  readonly #closes = new Listeners<[CloseInfo]>()

  /** @internal */
  constructor(options: ClientOptions<C>, clock: Clock = systemClock) {
    const settings = readOptions(options)
    const connection = this.#connection = new Connection(settings, clock, {
      open: (welcome) => this.#opened(welcome),
      frame: (text) => this.#messages.tell(this.#receiver.report, text),
      envelope: (envelope) => this.#receive(envelope),
      down: (close) => this.#down(close),
    })
    this.#outbox = new Outbox(connection)
    this.#calls = new Calls(options.protocol, this.#outbox)
    this.#receiver = new Receiver(options.protocol)
    if (options.autoConnect ?? true) connection.connect()
  }

  /** Where the connection stands; `onState` tells when it changes. */
  get state(): ClientState {
    return this.#connection.state
  }

  /** Connects where the client is `closed`: before the first time, or again after `close()`. Rooms and queue are kept. */
  connect(): void {
    this.#outbox.isEnded = false
    if (this.#connection.connect()) this.#tellState()
  }

  /**
   * Ends the connection for good: no reconnect, no timers. Publishes and requests that wait reject with `closed`.
   *
   * @param code 1000, or 3000 to 4999. Default 1000.
   * @param reason At most 123 bytes.
   * @throws {RotundaError} `invalid_config` for a code or a reason that cannot be sent.
   */
  close(code = 1000, reason = ''): void {
    if (!(code === 1000 || (code >= 3000 && code <= 4999)) || !fits(reason, 123)) {
      throw new RotundaError('invalid_config', `Close code ${code} or reason cannot be sent.`)
    }
    this.#outbox.end()
    this.#connection.close(code, reason)
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
  join(name: string, options: JoinOptions = {}): Room<C> {
    const known = this.#rooms.get(name)
    if (known) return known.room
    const membership = new Membership(name, options, this.#connection, this.#outbox, this.#receiver.forRoom(name))
    const leave = () => {
      if (this.#rooms.get(name)?.membership === membership) this.#rooms.delete(name)
      membership.leave()
    }
    const room = new Room<C>(membership, this.#calls, this.#outbox, leave)
    this.#rooms.set(name, { room, membership })
    return room
  }

  /**
   * Sends an event outside of any room, at most once; dropped while there is no connection.
   * @throws {RotundaError} `invalid_payload`, `message_too_big`
   */
  send<K extends EventName<C>>(type: K, payload: EventInput<C, K>): void {
    this.#calls.send(type, payload, this.#receiver.report)
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
    return this.#calls.request(options.room, type, payload, options) as Promise<RpcOutput<C, K>>
  }

  /** Handles events that come outside of joined rooms: to this client alone, or broadcast to everybody. */
  on<K extends EventName<C>>(type: K, handler: (message: DirectMessage<K, EventOutput<C, K>>) => unknown): () => void {
    // The receiver makes the message of this very event, its payload checked by the contract.
    return this.#receiver.on(type, handler as unknown as (message: AnyMessage) => unknown)
  }

  /** Told whenever `state` has changed. */
  onState(handler: (state: ClientState) => unknown): () => void {
    return this.#states.add(handler)
  }

  /** Told on every connection, when the server has welcomed this client. */
  onOpen(handler: (welcome: Welcome) => unknown): () => void {
    return this.#opens.add(handler)
  }

  /** Told every text frame as it came, before it is decoded; also text that is not of the protocol. */
  onMessage(handler: (text: string) => unknown): () => void {
    return this.#messages.add(handler)
  }

  /** Told when an open connection has ended, and when there will be no other. */
  onClose(handler: (close: CloseInfo) => unknown): () => void {
    return this.#closes.add(handler)
  }

  /** Told what went wrong outside of calls, where no room's `onError` is. Without a handler it goes to the console. */
  onError(handler: ErrorHandler): () => void {
    return this.#receiver.errors.add(handler)
  }

  #opened(welcome: Welcome): void {
    // Rooms first, so that they are joined when the server stores what waited, then in the order of the calls.
    for (const { membership } of this.#rooms.values()) membership.join()
    this.#outbox.opened()
    this.#opens.tell(this.#receiver.report, welcome)
    if (this.state === 'open') this.#tellState()
  }

  #down(close: CloseInfo): void {
    for (const { membership } of this.#rooms.values()) membership.disconnected()
    this.#outbox.disconnected()
    if (!close.willReconnect) this.#outbox.end()
    const { state } = this
    this.#closes.tell(this.#receiver.report, close)
    if (this.state === state) this.#tellState()
  }

  #tellState(): void {
    this.#states.tell(this.#receiver.report, this.state)
  }

  #receive(envelope: Envelope): void {
    const { type, room, seq, kind, payload } = envelope
    if (this.#outbox.answer(envelope) || kind === 'reply' || type === 'ack') return
    const membership = this.#rooms.get(room as string)?.membership
    const { receiver } = membership ?? { receiver: this.#receiver }
    if (type === 'error') receiver.report(readError(payload), envelope)
    else if (membership) membership.receive(envelope)
    // A message of a log is a room's; it may come after the room was left.
    else if (seq === undefined && receiver.isReady) receiver.deliver(envelope)
  }
}
