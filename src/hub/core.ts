import type { Contract, EventDefinition } from '../protocol/contract.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkProducerKey, checkRoomName } from '../protocol/names.ts'
import type { Joined, JoinRequest } from '../protocol/reserved.ts'
import type { AppendMessage, MessageStore } from '../storage/store.ts'
import type { Connection } from './connection.ts'
import type { Published } from './context.ts'
import { type Definitions, payloadText, validate } from './definitions.ts'
import { type History, readHistory } from './history.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import { type Origin, Publisher } from './publisher.ts'
import { readHistoryRequest, readJoinRequest } from './requests.ts'
import type { RoomEnvironment } from './room.ts'
import { Rooms } from './rooms.ts'
import { Session } from './session.ts'

/** Who sends, and under which key. */
export interface PublishOptions {
  readonly key?: string | undefined
  readonly from?: string | undefined
}

/** To whom something is broadcast: a room or everybody, with or without one session. */
export interface Audience<C extends Contract, M> {
  readonly room?: string | undefined
  readonly except?: Session<C, M> | undefined
}

/** Tells the hubs of a process apart where they share a server. */
let hubs = 0

/** What can be done to rooms and sessions, shared by handlers, handles and the protocol's own requests. */
export class HubCore<C extends Contract, M> {
  readonly store: MessageStore
  readonly limits: Limits
  readonly executor: Executor
  readonly definitions: Definitions
  readonly rooms: Rooms
  readonly publisher: Publisher
  readonly connections: Map<string, Connection<M>> = new Map()
  readonly counters: { ephemeralDropped: number } = { ephemeralDropped: 0 }
  readonly #report: (error: unknown) => void

  constructor(given: Omit<RoomEnvironment, 'topics' | 'counters'> & { readonly definitions: Definitions }) {
    const { definitions, store, limits, executor, report } = given
    this.store = store
    this.limits = limits
    this.executor = executor
    this.definitions = definitions
    this.#report = report
    this.rooms = new Rooms({ ...given, topics: `rotunda:${++hubs}`, counters: this.counters })
    this.publisher = new Publisher(store, limits, executor, this.rooms, report)
  }

  sessionOf(connection: Connection): Session<C, M> {
    // A connection of this hub carries this hub's kind of session.
    const own = connection as unknown as Connection<M> & { session: Session<C, M> | undefined }
    return own.session ??= new Session(this, own)
  }

  /**
   * Publishes as the server: a promise of the place when durable, which carries every failure; undefined when ephemeral.
   * @throws {RotundaError} `unknown_type`; where ephemeral also `invalid_payload`.
   */
  publish(room: string, type: string, payload: unknown, options: PublishOptions): Promise<Published> | undefined {
    const definition = this.definitions.event(type)
    if (definition.durable) return this.#publishDurable(room, type, definition, payload, options)
    const from = options.from ?? null
    this.whenChecked(validate(definition.schema, payload), (text) => this.emit(room, type, text, from))
    return undefined
  }

  /** Goes on once a payload is checked. What an asynchronous schema refuses is reported: no caller waits for it. */
  whenChecked(value: unknown, then: (text: string) => void): void {
    if (value instanceof Promise) value.then((checked) => then(payloadText(checked))).catch(this.#report)
    else then(payloadText(value))
  }

  /** Puts a checked payload into the journal. */
  append(room: string, type: string, payload: string, from: string | null, key: string | null, origin: Origin): void {
    const message: AppendMessage = { room, kind: 'event', type, from, key, ts: Date.now(), payload }
    this.publisher.push(message, origin)
  }

  /** Delivers a checked payload to who is in the room, at most once. */
  emit(room: string, type: string, payload: string, from: string | null): void {
    const envelope: EncodedEnvelope = { type, room, ts: Date.now(), payload }
    this.rooms.get(room)?.emit([from === null ? envelope : { ...envelope, from }])
  }

  broadcast(type: string, payload: unknown, { room, except }: Audience<C, M>): void {
    const definition = this.definitions.event(type)
    this.#withChecked(definition, payload, (text) => {
      const envelope: EncodedEnvelope = { type, ts: Date.now(), payload: text }
      const excepted = this.#connectionOf(except)
      if (room !== undefined) this.rooms.get(room)?.emit([{ ...envelope, room }], excepted)
      else for (const connection of this.connections.values()) if (connection !== excepted) connection.send(envelope)
    })
  }

  broadcastText(text: string, { room, except }: Audience<C, M>): void {
    const excepted = this.#connectionOf(except)
    const all = room === undefined ? this.connections.values() : this.rooms.get(room)?.members() ?? []
    for (const connection of all) if (connection !== excepted) connection.sendFrame(text, 1)
  }

  sendTo(connection: Connection, type: string, payload: unknown): boolean {
    this.#withChecked(this.definitions.event(type), payload, (text) => {
      connection.send({ type, ts: Date.now(), payload: text })
    })
    return connection.isUsable
  }

  async join(connection: Connection, room: string, request: JoinRequest): Promise<Joined> {
    checkRoomName(room)
    const checked = readJoinRequest(request)
    let joined: Joined | undefined
    await this.rooms.join(connection, room, checked, (place) => {
      joined = place
      connection.sendReserved('room.joined', place, { room })
    })
    if (joined !== undefined) return joined
    throw new RotundaError('closed', `The session ended or left before it was in room "${room}".`)
  }

  leave(connection: Connection, room: string): void {
    this.rooms.leave(connection, room)
    connection.sendReserved('room.left', {}, { room })
  }

  /** @throws {RotundaError} `invalid_room`, `invalid_cursor`, `invalid_limit`, `store_unavailable` */
  async history(room: string, request: unknown): Promise<History> {
    checkRoomName(room)
    const query = readHistoryRequest(request)
    try {
      return await readHistory(this.store, room, query)
    } catch (cause) {
      this.#report(cause)
      throw new RotundaError('store_unavailable', 'The log cannot be read now; try again.', { cause })
    }
  }

  async #publishDurable(
    room: string,
    type: string,
    { schema }: EventDefinition,
    payload: unknown,
    { key, from }: PublishOptions,
  ): Promise<Published> {
    const ownKey = key === undefined ? null : checkProducerKey(key)
    const text = payloadText(await validate(schema, payload))
    return await this.#appendAsServer(room, type, text, from ?? null, ownKey)
  }

  #appendAsServer(
    room: string,
    type: string,
    payload: string,
    from: string | null,
    key: string | null,
  ): Promise<Published> {
    return new Promise((resolve, reject) => {
      const settle = ({ id, seq }: Published) => resolve({ id, seq })
      this.append(room, type, payload, from, key, { resolve: settle, reject })
    })
  }

  #withChecked(definition: EventDefinition, payload: unknown, then: (text: string) => void): void {
    this.whenChecked(validate(definition.schema, payload), then)
  }

  #connectionOf(session: Session<C, M> | undefined): Connection<M> | undefined {
    return session === undefined ? undefined : this.connections.get(session.id)
  }
}
