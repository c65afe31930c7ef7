import type { Contract } from '../protocol/contract.ts'
import { asRotundaError, RotundaError } from '../protocol/errors.ts'
import { checkRoomName, quote } from '../protocol/names.ts'
import type { Cursor, Joined, JoinRequest } from '../protocol/reserved.ts'
import type { Subject } from './access.ts'
import { Bucket, REFILL } from './auth/bucket.ts'
import type { Connection } from './connection.ts'
import type { HubCore } from './core.ts'
import { withheldGap } from './gap.ts'
import { readJoinRequest } from './requests.ts'
import { ROOMS_AT_A_TIME, SESSIONS_AT_A_TIME, someAtATime } from './some_at_a_time.ts'

/** How often the policies are asked about one join, when what the session may do changes meanwhile. */
const MOST_ROUNDS = 8

/** Who is in which room: clients come in as far as they may, and are out when they may no longer. */
export class Memberships<C extends Contract, M> {
  readonly #core: HubCore<C, M>

  constructor(core: HubCore<C, M>) {
    this.#core = core
  }

  /**
   * Lets a client in that asks for it.
   * @throws {RotundaError} `forbidden`, `quota_exceeded`, `closed`, `too_many_rooms`, `overloaded`, `store_unavailable`
   */
  ask(
    connection: Connection<M>,
    room: string,
    request: JoinRequest,
    ref: string | undefined,
  ): void | Promise<void> {
    this.#count(connection)
    return this.#ask(connection, room, request, ref, MOST_ROUNDS)
  }

  /** Puts a session into a room because the application says so: no policy is asked. */
  async join(connection: Connection<M>, room: string, request: JoinRequest): Promise<Joined> {
    checkRoomName(room)
    const checked = readJoinRequest(request)
    let joined: Joined | undefined
    await this.#core.rooms.join(connection, room, checked, (place) => {
      joined = place
      connection.sendReserved('room.joined', place, { room })
      void this.#core.presence.entered(connection, room, false)
    })
    if (joined !== undefined) return joined
    throw new RotundaError('closed', `The session ended or left before it was in room ${quote(room)}.`)
  }

  leave(connection: Connection<M>, room: string, ref?: string): void {
    this.#core.presence.left(connection, room)
    this.#core.rooms.leave(connection, room)
    connection.sendReserved('room.left', {}, { room, ref })
  }

  /** Asks the policies again about every room a session is in, and takes it out of those it may no longer be in. */
  async reauthorize(connection: Connection<M>): Promise<void> {
    connection.accessVersion += 1
    await someAtATime(connection.rooms, ROOMS_AT_A_TIME, (room) => this.#recheck(connection, room.name))
    await this.#core.presence.reauthorize(connection)
  }

  /** The same for many sessions: some at a time, but what is being decided about any is decided anew from now on. */
  async reauthorizeAll(connections: readonly Connection<M>[]): Promise<void> {
    for (const connection of connections) connection.accessVersion += 1
    await someAtATime(connections, SESSIONS_AT_A_TIME, (connection) => this.reauthorize(connection))
  }

  /**
   * Asks the policies whether somebody may be in a room, and have its past as far as the request asks for it.
   * @throws {RotundaError} `forbidden`, or what `authorize` throws.
   */
  mayJoin(who: Subject<M>, room: string, { since, last = 0 }: JoinRequest): void | Promise<void> {
    const { access } = this.#core
    const allowed = access.check(who, 'join', room)
    if (since === undefined && last === 0) return allowed
    const replay = () => access.check(who, 'replay', room)
    return allowed === undefined ? replay() : allowed.then(replay)
  }

  /** @param rounds How often the policies may yet be asked. */
  #ask(
    connection: Connection<M>,
    room: string,
    request: JoinRequest,
    ref: string | undefined,
    rounds: number,
  ): void | Promise<void> {
    const { access, rooms, presence } = this.#core
    const allowed = access.check(connection, 'join', room)
    const version = connection.accessVersion
    const isDecided = () => version === connection.accessVersion
    // What it may do was changed while the application or the store was asked.
    const again = () => {
      if (rounds > 1) return this.#ask(connection, room, request, ref, rounds - 1)
      throw new RotundaError('overloaded', `What the session may do changes while it joins room ${quote(room)}.`)
    }
    const enter = (request: JoinRequest, withheld?: Cursor) => {
      if (!isDecided()) return again()
      let isIn = false
      const answer = (joined: Joined) => {
        isIn = true
        connection.sendReserved('room.joined', joined, { room, ref })
        void presence.entered(connection, room, true)
        if (withheld !== undefined) this.#tellWithheld(connection, room, withheld, joined)
      }
      return rooms.join(connection, room, request, answer, isDecided)?.then(() => {
        if (isIn || !connection.isUsable) return
        if (!isDecided()) return again()
        throw new RotundaError('forbidden', `The server took the session out of room ${quote(room)} while it joined.`)
      })
    }
    const replay = () => this.#replayed(connection, room, request, enter)
    if (request.since === undefined && (request.last ?? 0) === 0) {
      return allowed === undefined ? enter(request) : allowed.then(() => enter(request))
    }
    return allowed === undefined ? replay() : allowed.then(replay)
  }

  /** Who comes back to all of its rooms at once may always do so. */
  #count(connection: Connection<M>): void {
    const { maxJoinsPerSession, maxRoomsPerSession } = this.#core.limits
    if (maxJoinsPerSession === 0) return
    const capacity = Math.max(maxJoinsPerSession, maxRoomsPerSession)
    const now = performance.now()
    connection.joins ??= new Bucket(capacity, now)
    if (connection.joins.take(capacity, maxJoinsPerSession, now)) return
    throw new RotundaError(
      'quota_exceeded',
      `More than ${maxJoinsPerSession} joins in ${REFILL / 1000} s; try again later.`,
    )
  }

  /**
   * Joins with the past, if it may be given. A client that comes back, and may be here but not read what it missed, is let
   * in from now on and told so: refused, it could never come back.
   */
  #replayed(
    connection: Connection<M>,
    room: string,
    request: JoinRequest,
    enter: (request: JoinRequest, withheld?: Cursor) => void | Promise<void>,
  ): void | Promise<void> {
    const refused = (thrown: unknown) => {
      if (request.since === undefined || asRotundaError(thrown).code !== 'forbidden') throw thrown
      return enter({}, request.since)
    }
    let allowed: void | Promise<void>
    try {
      allowed = this.#core.access.check(connection, 'replay', room)
    } catch (thrown) {
      return refused(thrown)
    }
    return allowed === undefined ? enter(request) : allowed.then(() => enter(request), refused)
  }

  #tellWithheld(connection: Connection<M>, room: string, since: Cursor, { cursor, epoch }: Joined): void {
    if (since.epoch === epoch && since.seq >= cursor) return
    this.#core.counters.gaps += 1
    connection.sendReserved('room.gap', withheldGap(since, cursor, epoch), { room })
  }

  #recheck(connection: Connection<M>, room: string): void | Promise<void> {
    const refuse = (thrown: unknown) => this.#expel(connection, room, thrown)
    try {
      return this.#core.access.check(connection, 'join', room)?.catch(refuse)
    } catch (thrown) {
      refuse(thrown)
    }
  }

  /** A policy that fails lets nobody stay. */
  #expel(connection: Connection<M>, room: string, thrown: unknown): void {
    const { code, message } = asRotundaError(thrown)
    if (code === 'internal') this.#core.publisher.report(thrown)
    if (connection.room(room) === undefined) return
    this.#core.presence.left(connection, room)
    this.#core.rooms.leave(connection, room)
    connection.sendReserved('room.left', { code, message }, { room })
  }
}
