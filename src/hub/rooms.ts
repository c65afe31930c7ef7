import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Joined, JoinRequest } from '../protocol/reserved.ts'
import type { Connection } from './connection.ts'
import { Room } from './room.ts'
import type { RoomEnvironment } from './room_environment.ts'
import type { Listener, Watcher } from './watcher.ts'

/** The rooms that somebody is in. A room without members is forgotten; its log is not. */
export class Rooms {
  readonly #environment: RoomEnvironment
  readonly #rooms = new Map<string, Room>()
  /** Told of what this node sends to rooms or to everybody. */
  readonly listeners: Set<Listener> = new Set()

  constructor(environment: RoomEnvironment) {
    this.#environment = environment
  }

  get names(): string[] {
    return [...this.#rooms.values()].filter((room) => room.hasMembers).map((room) => room.name)
  }

  get size(): number {
    return this.#rooms.size
  }

  /** Those without members too, which somebody only looks at. */
  all(): Iterable<Room> {
    return this.#rooms.values()
  }

  get(name: string): Room | undefined {
    return this.#rooms.get(name)
  }

  /**
   * @param mayEnter Asked once more when the store has answered.
   * @throws {RotundaError} `closed`, `too_many_rooms`, `overloaded`, `store_unavailable`
   */
  join(
    connection: Connection,
    name: string,
    request: JoinRequest,
    answer: (joined: Joined) => void,
    mayEnter: () => boolean = () => true,
  ): void | Promise<void> {
    if (!connection.isUsable) throw new RotundaError('closed', 'The session is over; it cannot join a room.')
    const { maxRoomsPerSession } = this.#environment.limits
    if (connection.roomCount >= maxRoomsPerSession && connection.room(name) === undefined) {
      throw new RotundaError('too_many_rooms', `A session may be in ${maxRoomsPerSession} rooms at once.`)
    }
    const room = this.#open(name)
    const joining = room.join(connection, request, answer, mayEnter)
    return joining?.finally(() => this.#forgetIfEmpty(room))
  }

  leave(connection: Connection, name: string): void {
    const room = this.#rooms.get(name)
    if (room === undefined) return
    room.leave(connection)
    this.#forgetIfEmpty(room)
  }

  /** Keeps a room open for who is not a member of it, until `unwatch`. */
  watch(name: string, watcher: Watcher): Room {
    const room = this.#open(name)
    room.watchers.add(watcher)
    return room
  }

  unwatch(room: Room, watcher: Watcher): void {
    room.watchers.delete(watcher)
    this.#forgetIfEmpty(room)
  }

  tell(batch: readonly EncodedEnvelope[]): void {
    for (const listener of this.listeners) listener(batch)
  }

  leaveAll(connection: Connection): void {
    for (const room of connection.rooms) this.leave(connection, room.name)
  }

  #open(name: string): Room {
    let room = this.#rooms.get(name)
    if (room !== undefined) return room
    const { maxRooms } = this.#environment.limits
    if (this.#rooms.size >= maxRooms) {
      throw new RotundaError('overloaded', `The server has its ${maxRooms} rooms open; try later.`)
    }
    this.#rooms.set(name, room = new Room(name, this.#environment))
    return room
  }

  #forgetIfEmpty(room: Room): void {
    if (room.isEmpty && this.#rooms.get(room.name) === room) this.#rooms.delete(room.name)
  }
}
