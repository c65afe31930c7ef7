import { RotundaError } from '../../protocol/errors.ts'
import type { Connection } from '../connection.ts'
import type { Entry } from './entry.ts'
import type { Graces } from './graces.ts'

/** What a session said of its member, and when. */
interface Said {
  readonly state: string
  readonly at: number
}

interface OwnMember {
  readonly since: number
  /** The sessions that are present as this member; undefined for those that said nothing. */
  readonly sessions: Map<Connection, Said | undefined>
  /** Set while no session is left but one may come back. */
  cancelGrace: (() => void) | undefined
}

/** What all rooms of a node share. */
export interface Census {
  readonly graces: Graces
  readonly maxMembers: number
  /** Members of this node over all rooms, those in grace included. */
  members: number
  /** Milliseconds since 1970, later with every call. */
  now(): number
}

/** The state of who has said nothing. */
const NOTHING = 'null'

/** The members of one room that this node owns: whose sessions they are, and what counts of what those say. */
export class OwnMembers {
  readonly #entries: Map<string, Entry>
  readonly #census: Census
  readonly #changed: (member: string, left: boolean) => void
  readonly #members = new Map<string, OwnMember>()

  /**
   * @param entries Kept up to date with what counts.
   * @param changed Told of every change; `left` when it is that the member has left by its own will.
   */
  constructor(entries: Map<string, Entry>, census: Census, changed: (member: string, left: boolean) => void) {
    this.#entries = entries
    this.#census = census
    this.#changed = changed
  }

  /**
   * A session is present, with a state or, when that is undefined, without changing what is known of the member.
   * @throws {RotundaError} `overloaded`
   */
  set(member: string, session: Connection, state: string | undefined): void {
    const own = this.#members.get(member) ?? this.#enter(member)
    const before = this.#entries.get(member)
    // Who is back within the grace goes on where it was.
    const resumed = own.cancelGrace === undefined ? undefined : before
    own.cancelGrace?.()
    own.cancelGrace = undefined
    if (state !== undefined) own.sessions.set(session, { state, at: this.#census.now() })
    else if (!own.sessions.has(session)) own.sessions.set(session, resumed)
    this.#settle(member, own)
  }

  /**
   * A session is not present any more. Its member is gone with its last session: at once when the session left, else
   * after the grace.
   */
  remove(member: string, session: Connection, left: boolean): void {
    const own = this.#members.get(member)
    if (own?.sessions.delete(session) !== true) return
    if (own.sessions.size > 0) this.#settle(member, own)
    else if (left) this.#end(member, true)
    else own.cancelGrace = this.#census.graces.add(() => this.#end(member, false))
  }

  /** The member has left on another node: nobody need wait for it here. */
  endGrace(member: string): void {
    const own = this.#members.get(member)
    if (own?.cancelGrace === undefined) return
    own.cancelGrace()
    this.#end(member, false)
  }

  /** No grace goes on. */
  stop(): void {
    for (const { cancelGrace } of this.#members.values()) cancelGrace?.()
  }

  #enter(member: string): OwnMember {
    const census = this.#census
    if (census.members >= census.maxMembers && !census.graces.endOldest()) {
      throw new RotundaError('overloaded', `There are ${census.maxMembers} members present here already.`)
    }
    const own = { since: Date.now(), sessions: new Map(), cancelGrace: undefined }
    this.#members.set(member, own)
    census.members += 1
    return own
  }

  #settle(member: string, { since, sessions }: OwnMember): void {
    let latest: Said | undefined
    for (const said of sessions.values()) {
      if (said !== undefined && (latest === undefined || said.at > latest.at)) latest = said
    }
    const { state, at } = latest ?? { state: NOTHING, at: since }
    const before = this.#entries.get(member)
    if (before !== undefined && before.state === state && before.at === at) return
    this.#entries.set(member, { state, since, at })
    this.#changed(member, false)
  }

  #end(member: string, left: boolean): void {
    this.#members.delete(member)
    this.#census.members -= 1
    this.#entries.delete(member)
    this.#changed(member, left)
  }
}
