import type { Broker } from '../../cluster/broker.ts'
import type { Contract } from '../../protocol/contract.ts'
import { asRotundaError } from '../../protocol/errors.ts'
import { isPrintable, quote } from '../../protocol/names.ts'
import type { Connection } from '../connection.ts'
import type { HubCore } from '../core.ts'
import { ROOMS_AT_A_TIME, someAtATime } from '../some_at_a_time.ts'
import type { Entry } from './entry.ts'
import { Graces } from './graces.ts'
import type { Census } from './own_members.ts'
import { PresenceNodes } from './presence_nodes.ts'
import type { PresenceSettings } from './presence_options.ts'
import { type ChangeKind, type PresenceEnvironment, PresenceRoom } from './presence_room.ts'
import { SessionPresence } from './session_presence.ts'

/** A member of a room. */
export interface PresenceMember {
  /** Who it is, as the option `presence.member` names its sessions. */
  readonly member: string
  /** What it says of itself; `null` when it says nothing. */
  readonly state: unknown
  /** Since when it is present, in milliseconds since 1970. */
  readonly since: number
}

/** What became of a member: of a whole user, over all sessions and nodes. */
export interface PresenceChange extends PresenceMember {
  readonly type: ChangeKind
  readonly room: string
}

/** Counts of presence on this node. */
export interface PresenceMetrics {
  /** Rooms in which somebody is present or watching. */
  readonly rooms: number
  /** Members over all rooms, those included that lost their connection and may come back. */
  readonly members: number
  /** Those of them that lost their connection. */
  readonly away: number
  readonly watchers: number
  /** Members whose changes wait to be told. */
  readonly pending: number
}

/** What presence is made of, beside the core. */
export interface PresenceParts<C extends Contract, M> {
  readonly settings: PresenceSettings<C, M>
  readonly broker: Broker | undefined
  readonly node: string
  /** Put before room names in native topics. */
  readonly topics: string
  report(error: unknown): void
}

/** Milliseconds within which changes are told together. */
const WINDOW = 50
const LONGEST_MEMBER = 128
/** Rooms whose members are present without saying so. */
const PRESENCE_ROOM = /^presence-/

/** Who is present in which room, and who watches that. */
export class Presence<C extends Contract, M> {
  readonly settings: PresenceSettings<C, M>
  readonly #core: HubCore<C, M>
  readonly #report: (error: unknown) => void
  readonly #rooms = new Map<string, PresenceRoom>()
  readonly #listeners = new Set<(change: PresenceChange) => unknown>()
  readonly #census: Census
  readonly #environment: PresenceEnvironment
  readonly #nodes: PresenceNodes | undefined
  #closed = false

  constructor(core: HubCore<C, M>, { settings, broker, node, topics, report }: PresenceParts<C, M>) {
    const { executor, limits } = core
    const { grace, maxMembers, lease } = settings
    let last = 0
    const now = () => last = Math.max(Date.now(), last + 1)
    this.#core = core
    this.#report = report
    this.settings = settings
    this.#census = { graces: new Graces(executor, grace), maxMembers, members: 0, now }
    this.#nodes = broker && new PresenceNodes({ broker, node, executor, lease, grace, rooms: this.#rooms, report })
    this.#environment = {
      executor,
      limits,
      census: this.#census,
      topics,
      traffic: core.counters.traffic,
      window: WINDOW,
      share: this.#nodes && ((room, changes) => this.#nodes!.share(room, changes)),
      changed: (kind, room, member, entry) => this.#tell(kind, room, member, entry),
      idle: (room) => this.#forget(room),
    }
  }

  /** Tells of every change in rooms that somebody of this node is present in or watches; returns what ends it. */
  listen(listener: (change: PresenceChange) => unknown): () => void {
    // A function of its own, so that the same one can be added twice.
    const own = (change: PresenceChange) => listener(change)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  get metrics(): PresenceMetrics {
    const { members, graces } = this.#census
    let [watchers, pending] = [0, 0]
    for (const room of this.#rooms.values()) {
      watchers += room.watchers
      pending += room.pending
    }
    return { rooms: this.#rooms.size, members, away: graces.size, watchers, pending }
  }

  /**
   * A session is present, with a state as JSON text; without one what is known of its member stays. Returns who it is.
   * @throws {RotundaError} `overloaded`
   */
  set(connection: Connection<M>, name: string, state: string | undefined): string {
    const own = connection.presence ??= new SessionPresence()
    const member = own.member ??= this.#identify(connection)
    const room = this.#room(name)
    try {
      room.own.set(member, connection, state)
      own.rooms.add(room)
    } finally {
      room.forgetIfIdle()
    }
    return member
  }

  /** A session is not present any more, by its own will. */
  clear(connection: Connection<M>, name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined || connection.presence?.rooms.delete(room) !== true) return
    room.own.remove(connection.presence.member!, connection, true)
  }

  /** Gives a session the members and their changes, from the beginning where it has them already. */
  watch(connection: Connection<M>, name: string): void {
    const own = connection.presence ??= new SessionPresence()
    const room = this.#room(name)
    own.watchers.set(room, room.watch(connection))
  }

  unwatch(connection: Connection<M>, name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined || connection.presence?.watchers.delete(room) !== true) return
    room.unwatch(connection)
  }

  /** A session is in a room: one named `presence-…` makes it present, unless it may not be. */
  async entered(connection: Connection<M>, room: string, asks: boolean): Promise<void> {
    if (!PRESENCE_ROOM.test(room)) return
    const enter = () => connection.room(room) === undefined ? undefined : this.set(connection, room, undefined)
    try {
      if (!asks) return void enter()
      const version = connection.accessVersion
      const allowed = this.#core.access.check(connection, 'presence', room)
      if (allowed === undefined) return void enter()
      await allowed
      enter()
      if (version !== connection.accessVersion) await this.reauthorize(connection)
    } catch (error) {
      if (asRotundaError(error).code === 'internal') this.#report(error)
    }
  }

  /** A session has left a room, or was taken out of it. */
  left(connection: Connection<M>, room: string): void {
    this.clear(connection, room)
    this.unwatch(connection, room)
  }

  /** A session is over; it may come back as another. */
  ended(connection: Connection): void {
    const { presence } = connection
    if (presence === undefined) return
    for (const room of presence.watchers.keys()) room.unwatch(connection)
    presence.watchers.clear()
    if (!this.#closed) { for (const room of presence.rooms) room.own.remove(presence.member!, connection, false) }
    presence.rooms.clear()
  }

  /** Asks the policies again; who may no longer see and be seen is told and does no longer. */
  async reauthorize(connection: Connection<M>): Promise<void> {
    const { presence } = connection
    if (presence === undefined) return
    const rooms = new Set([...presence.rooms, ...presence.watchers.keys()])
    await someAtATime([...rooms], ROOMS_AT_A_TIME, (room) => this.#recheck(connection, room.name))
  }

  /** The members of a room, over all nodes. */
  members(name: string): Promise<PresenceMember[]> {
    return new Promise((resolve) => {
      this.#room(name).use((members) => resolve([...members].map(([member, entry]) => memberOf(member, entry))))
    })
  }

  /** Other nodes are told, and keep who was here for a grace; here nothing is told any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#nodes?.stop()
    for (const room of this.#rooms.values()) {
      room.answered()
      room.stop()
    }
  }

  #room(name: string): PresenceRoom {
    let room = this.#rooms.get(name)
    if (room !== undefined) return room
    this.#rooms.set(name, room = new PresenceRoom(name, this.#environment))
    if (!this.#closed) this.#nodes?.follow(room)
    return room
  }

  #forget(room: PresenceRoom): void {
    if (this.#rooms.get(room.name) !== room) return
    this.#rooms.delete(room.name)
    this.#nodes?.unfollow(room)
  }

  /** @throws what `member` throws, or that it gave what cannot be one. */
  #identify(connection: Connection<M>): string {
    const member: unknown = this.settings.member(this.#core.sessionOf(connection))
    const fits = typeof member === 'string' && member.length > 0 && member.length <= LONGEST_MEMBER
    if (fits && isPrintable(member)) return member
    throw new TypeError(
      `presence.member gave ${quote(member)} for session ${connection.id}; ` +
        `it must be 1 to ${LONGEST_MEMBER} printable characters.`,
    )
  }

  #recheck(connection: Connection<M>, room: string): void | Promise<void> {
    const refuse = (thrown: unknown) => this.#revoke(connection, room, thrown)
    try {
      return this.#core.access.check(connection, 'presence', room)?.catch(refuse)
    } catch (thrown) {
      refuse(thrown)
    }
  }

  #revoke(connection: Connection<M>, room: string, thrown: unknown): void {
    const { code, message } = asRotundaError(thrown)
    if (code === 'internal') this.#report(thrown)
    // It may have left, or been taken out, meanwhile.
    if (connection.room(room) === undefined) return
    this.left(connection, room)
    connection.sendReserved('presence.unwatch', { code, message }, { room })
  }

  #tell(type: ChangeKind, room: string, member: string, entry: Entry): void {
    if (this.#listeners.size === 0) return
    const change: PresenceChange = { type, room, ...memberOf(member, entry) }
    for (const listener of this.#listeners) {
      try {
        const result = listener(change)
        if (result instanceof Promise) result.catch(this.#report)
      } catch (error) {
        this.#report(error)
      }
    }
  }
}

function memberOf(member: string, { state, since }: Entry): PresenceMember {
  return { member, state: JSON.parse(state), since }
}
