import type { Contract, EventDefinition } from '../protocol/contract.ts'
import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import { checkProducerKey, checkRoomName } from '../protocol/names.ts'
import type { Payload } from '../protocol/payload.ts'
import type { AppendMessage, MessageStore } from '../storage/store.ts'
import { Access, type Authorize, type Principal, type Principals, type Subject } from './access.ts'
import type { Connection } from './connection.ts'
import { Counters } from './counters.ts'
import type { Published } from './context.ts'
import { type Definitions, encodePayload, validate } from './definitions.ts'
import { EncryptedRooms } from './encrypted.ts'
import { Gate } from './gate.ts'
import { type History, readHistory } from './history.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import { type Origin, Publisher } from './publisher.ts'
import { Memberships } from './memberships.ts'
import { Presence, type PresenceParts } from './presence/presence.ts'
import { readHistoryRequest } from './requests.ts'
import { Retention } from './retention.ts'
import { checkRetention, checkRetentionInterval, type RetentionRule } from './retention_rules.ts'
import { type AskOptions, Replies } from './replies.ts'
import type { RoomEnvironment } from './room_environment.ts'
import { Rooms } from './rooms.ts'
import { Session } from './session.ts'
import type { Tracing } from './tracing.ts'
import { Turns } from './turns.ts'

/** Who sends, and under which key. */
export interface PublishOptions {
  readonly key?: string | undefined
  readonly from?: string | undefined
}

/** An event on its way to a room, its payload checked. */
export interface Outgoing {
  readonly room: string
  readonly type: string
  readonly payload: Payload
  readonly from: string | null
}

/** What a core is made of. */
export interface CoreOptions<C extends Contract, M>
  extends Omit<RoomEnvironment, 'topics' | 'counters' | 'turns' | 'readings'> {
  readonly definitions: Definitions
  readonly authorize: Authorize<C, M> | undefined
  /** Patterns of the rooms that take encrypted payloads only. */
  readonly encrypted: readonly string[] | undefined
  /** What is kept of rooms' messages. */
  readonly retention: readonly RetentionRule[] | undefined
  readonly retentionInterval: number | undefined
  /** The application's own; handlers see it. */
  readonly state: unknown
  readonly countTypes: boolean
  readonly tracing: Tracing | undefined
  readonly presence: Omit<PresenceParts<C, M>, 'topics' | 'report'>
}

/** To whom something is broadcast: a room or everybody, with or without one session. */
export interface Audience<C extends Contract, M> {
  readonly room?: string | undefined
  readonly except?: Session<C, M> | undefined
}

/** Pages of history that are read at once. */
const HISTORIES = 4

/** Tells the hubs of a process apart where they share a server. */
let hubs = 0

/** What can be done to rooms and sessions, shared by handlers, handles and the protocol's own requests. */
export class HubCore<C extends Contract, M> implements Principals<C, M> {
  readonly store: MessageStore
  readonly limits: Limits
  readonly executor: Executor
  readonly definitions: Definitions
  readonly rooms: Rooms
  readonly publisher: Publisher
  readonly connections: Map<string, Connection<M>> = new Map()
  readonly counters: Counters = new Counters()
  readonly turns: Turns = new Turns()
  readonly access: Access<C, M>
  readonly memberships: Memberships<C, M>
  readonly presence: Presence<C, M>
  readonly retention: Retention
  readonly retentionInterval: number
  readonly state: unknown
  /** Whether envelopes are counted by type. */
  readonly countsTypes: boolean
  readonly #encrypted: EncryptedRooms
  readonly #histories = new Gate(HISTORIES)
  readonly #report: (error: unknown) => void

  constructor(given: CoreOptions<C, M>) {
    const { definitions, store, limits, executor, report } = given
    this.access = new Access(given.authorize, this)
    this.#encrypted = new EncryptedRooms(given.encrypted)
    this.memberships = new Memberships(this)
    this.state = given.state
    this.countsTypes = given.countTypes
    this.store = store
    this.limits = limits
    this.executor = executor
    this.definitions = definitions
    this.#report = report
    const topics = `rotunda:${++hubs}`
    const readings = new Turns()
    this.rooms = new Rooms({ ...given, topics, counters: this.counters, turns: this.turns, readings })
    this.presence = new Presence(this, { ...given.presence, topics, report })
    this.publisher = new Publisher(given, this.rooms, this.counters)
    this.retention = new Retention(checkRetention(given.retention), store, executor, report)
    this.retentionInterval = checkRetentionInterval(given.retentionInterval)
  }

  sessionOf(connection: Connection): Session<C, M> {
    // A connection of this hub carries this hub's kind of session and metadata.
    return (connection.session ??= new Session(this, connection as Connection<M>)) as Session<C, M>
  }

  /**
   * Publishes as the server: a promise of the place when durable, which carries every failure; undefined when ephemeral.
   * @throws {RotundaError} `unknown_type`; where ephemeral also `invalid_payload`.
   */
  publish(room: string, type: string, payload: unknown, options: PublishOptions): Promise<Published> | undefined {
    const definition = this.definitions.event(type)
    if (definition.durable) return this.#publishDurable(room, type, definition, payload, options)
    const from = options.from ?? null
    const value = this.checkPayload(definition, room, payload, options.key)
    this.whenChecked(value, (checked) => this.emit({ room, type, payload: checked, from }))
    return undefined
  }

  /**
   * Checks what somebody wants to put into a room.
   * @throws {RotundaError} `invalid_payload`, `plaintext_refused`
   */
  checkPayload(
    { schema }: EventDefinition,
    room: string | undefined,
    payload: unknown,
    key: string | undefined,
  ): unknown {
    return this.isEncrypted(room) ? this.#encrypted.check(payload, key) : validate(schema, payload)
  }

  /** Whether what is in this room is sealed from us: no handler could read it. */
  isEncrypted(room: string | undefined): boolean {
    return this.#encrypted.includes(room)
  }

  /** Goes on once a payload is checked. What an asynchronous schema refuses is reported: no caller waits for it. */
  whenChecked(value: unknown, then: (payload: Payload) => void): void {
    if (value instanceof Promise) value.then((checked) => then(encodePayload(checked))).catch(this.#report)
    else then(encodePayload(value))
  }

  /** Puts an event with a checked payload into the journal. */
  append({ room, type, payload, from, key }: Outgoing & { readonly key: string | null }, origin: Origin): void {
    const message: AppendMessage = { room, kind: 'event', type, from, key, ts: Date.now(), payload }
    this.publisher.push(message, origin)
  }

  /** Delivers an event with a checked payload to who is in the room, at most once. */
  emit({ room, type, payload, from, traceparent }: Outgoing & { readonly traceparent?: string | undefined }): void {
    const members = this.rooms.get(room)
    if (members === undefined && this.rooms.listeners.size === 0) return
    const envelope: { -readonly [K in keyof EncodedEnvelope]: EncodedEnvelope[K] } = {
      type,
      room,
      ts: Date.now(),
      payload,
    }
    if (from !== null) envelope.from = from
    if (traceparent !== undefined) envelope.traceparent = traceparent
    members?.emit([envelope])
    this.rooms.tell([envelope])
  }

  broadcast(type: string, payload: unknown, { room, except }: Audience<C, M>): void {
    const definition = this.definitions.event(type)
    const value = this.checkPayload(definition, room, payload, undefined)
    this.whenChecked(value, (checked) => {
      const toAll: EncodedEnvelope = { type, ts: Date.now(), payload: checked }
      const envelope = room === undefined ? toAll : { ...toAll, room }
      const excepted = this.#connectionOf(except)
      this.rooms.tell([envelope])
      if (room !== undefined) this.rooms.get(room)?.emit([envelope], excepted)
      else for (const connection of this.connections.values()) if (connection !== excepted) connection.send(envelope)
    })
  }

  broadcastText(text: string, { room, except }: Audience<C, M>): void {
    const excepted = this.#connectionOf(except)
    const all = room === undefined ? this.connections.values() : this.rooms.get(room)?.members() ?? []
    for (const connection of all) if (connection !== excepted) connection.sendFrame(text, 1)
  }

  sendTo(connection: Connection, type: string, payload: unknown): boolean {
    this.whenChecked(validate(this.definitions.event(type).schema, payload), (checked) => {
      connection.send({ type, ts: Date.now(), payload: checked })
    })
    return connection.isUsable
  }

  /** Asks a client; both question and answer are checked by the contract. */
  async ask(connection: Connection<M>, type: string, value: unknown, options: AskOptions): Promise<unknown> {
    const { request, response } = this.definitions.rpc(type)
    const payload = encodePayload(await validate(request, value))
    const replies = connection.replies ??= new Replies(this.executor)
    return validate(
      response,
      await replies.ask((ref) => connection.send({ type, kind: 'request', ref, payload }), options),
    )
  }

  /** @throws {RotundaError} `invalid_room`, `invalid_cursor`, `invalid_limit`, `store_unavailable`, `overloaded` */
  async history(room: string, request: unknown): Promise<History> {
    checkRoomName(room)
    const query = readHistoryRequest(request)
    try {
      return await this.#histories.pass(() => readHistory(this.store, room, query))
    } catch (cause) {
      if (cause instanceof RotundaError && cause.code === 'overloaded') throw cause
      this.#report(cause)
      throw new RotundaError('store_unavailable', 'The log cannot be read now; try again.', { cause })
    }
  }

  async #publishDurable(
    room: string,
    type: string,
    definition: EventDefinition,
    value: unknown,
    { key, from }: PublishOptions,
  ): Promise<Published> {
    const ownKey = key === undefined ? null : checkProducerKey(key)
    const payload = encodePayload(await this.checkPayload(definition, room, value, key))
    return await new Promise((resolve, reject) => {
      const settle = ({ id, seq }: Published) => resolve({ id, seq })
      this.append({ room, type, payload, from: from ?? null, key: ownKey }, { resolve: settle, reject })
    })
  }

  principalOf(subject: Subject<M>): Principal<C, M> {
    if (!('peer' in subject)) {
      const { identity, metadata, grants } = subject
      return { session: undefined, identity, metadata, grants }
    }
    return this.sessionOf(subject)
  }

  #connectionOf(session: Session<C, M> | undefined): Connection<M> | undefined {
    return session === undefined ? undefined : this.connections.get(session.id)
  }
}
