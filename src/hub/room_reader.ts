import type { Contract } from '../protocol/contract.ts'
import type { JoinRequest } from '../protocol/reserved.ts'
import type { Visitor } from './access.ts'
import type { HubCore } from './core.ts'
import { Inspection } from './inspection.ts'
import { RoomView } from './room_view.ts'
import type { Listener } from './watcher.ts'

/** Rooms for who is in none of them: requests over HTTP, which have no session. */
export class RoomReader<C extends Contract, M> {
  /** For who looks after this node: all of its sessions and rooms. */
  readonly inspection: Inspection
  readonly #core: HubCore<C, M>

  constructor(core: HubCore<C, M>) {
    this.inspection = new Inspection(core)
    this.#core = core
  }

  /**
   * Asks the policies whether a room may be read from there, as for a join.
   * @throws {RotundaError} `forbidden`, or what `authorize` throws.
   */
  check(who: Visitor<M>, room: string, request: JoinRequest): void | Promise<void> {
    return this.#core.memberships.mayJoin(who, room, request)
  }

  /** A place of one's own in a room's log; see {@link RoomView}. */
  open(room: string): RoomView {
    return new RoomView(this.#core.rooms, room)
  }

  /** Listens to everything that this node sends, until what is returned is called. */
  listen(listener: Listener): () => void {
    const { listeners } = this.#core.rooms
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
}
