import type { Connection } from './connection.ts'
import type { History } from './history.ts'
import type { Room } from './room.ts'

/** The part of a hub's core that can be looked at. */
interface Inspected {
  readonly connections: ReadonlyMap<string, Connection>
  readonly rooms: { all(): Iterable<Room>; get(name: string): Room | undefined }
  history(room: string, request: unknown): Promise<History>
}

/** What a hub has, to be looked at and not to be kept: no object is made for the application, nothing is copied. */
export class Inspection {
  /** The sessions' connections by id. */
  readonly connections: ReadonlyMap<string, Connection>
  readonly #core: Inspected

  constructor(core: Inspected) {
    this.connections = core.connections
    this.#core = core
  }

  /** Rooms that somebody is in or looks at. */
  rooms(): Iterable<Pick<Room, 'name' | 'size' | 'head'>> {
    return this.#core.rooms.all()
  }

  /** Sessions in a room. */
  members(room: string): number {
    return this.#core.rooms.get(room)?.size ?? 0
  }

  /**
   * A page of a room's log; no policy is asked.
   * @throws {RotundaError} As rejection: `invalid_room`, `store_unavailable`.
   */
  history(room: string, request: { readonly after?: number; readonly limit: number }): Promise<History> {
    return this.#core.history(room, request)
  }
}
