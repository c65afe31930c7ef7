import type { Envelope } from '../../protocol/envelope.ts'
import type { PresenceChanges, PresenceState } from '../../protocol/presence.ts'
import { RotundaError } from '../../protocol/rotunda_error.ts'
import type { StandardSchema } from '../../protocol/standard_schema.ts'
import { forCaller } from '../caller.ts'
import { after, check } from '../check.ts'
import { Backoff } from '../connection/backoff.ts'
import { InOrder } from '../in_order.ts'
import { Listeners } from '../listeners.ts'
import type { Membership } from '../membership.ts'
import { type Caller, type Outbox, readError } from '../outbox.ts'
import { type Changes, MemberList, type PresenceMember } from './member_list.ts'
import { OwnState, type Wanted } from './own_state.ts'
import { onDown } from './on_down.ts'
import type { AnyRoom, PresenceOptions } from './options.ts'
import { readMembers } from './read_members.ts'

/** The one presence of each room. */
const known = new WeakMap<Membership, Presence<unknown>>()

/**
 * Who is present in a room, over all reconnects until the room or this is left. Returns the same object for the same
 * room; then the options of the first call hold.
 *
 * @example
 * ```ts
 * const people = presence(room, { state: { name: 'Ana' } })
 * people.onChange((members) => draw([...members.values()]))
 * people.onJoin(({ state }) => console.log(state?.name, 'has come'))
 * await people.set({ name: 'Ana', typing: true })
 * ```
 */
export function presence<S = unknown>(room: AnyRoom, options: PresenceOptions<S> = {}): Presence<S> {
  const { membership } = room
  let people = known.get(membership)
  // Whoever asks for another kind of state gets what there is already.
  if (!people) known.set(membership, people = new Presence<S>(room, options) as Presence<unknown>)
  return people as Presence<S>
}

/** Who is present in a room. Made by {@link presence}. */
export class Presence<S> {
  readonly #schema: StandardSchema<unknown, S> | undefined
  readonly #watches: boolean
  readonly #membership: Membership
  readonly #outbox: Outbox
  readonly #list = new MemberList<S>()
  readonly #own: OwnState
  readonly #said = new InOrder()
  readonly #heard = new InOrder()
  readonly #backoff: Backoff
  readonly #syncs = new Listeners<[ReadonlyMap<string, PresenceMember<S>>]>()
  readonly #changes = new Listeners<[ReadonlyMap<string, PresenceMember<S>>]>()
  readonly #joins = new Listeners<[PresenceMember<S>]>()
  readonly #leaves = new Listeners<[PresenceMember<S>]>()
  readonly #updates = new Listeners<[PresenceMember<S>, PresenceMember<S>]>()
  readonly #release: (() => void)[]
  /** Is another object for every time that the room is joined; undefined while it is not. */
  #stay: object | undefined
  #wasSynced = false
  #isSynced = false
  #isOver = false
  #cancelRetry = () => {}

  /** Use {@link presence}. */
  constructor(room: AnyRoom, { state, watch = true, schema }: PresenceOptions<S>) {
    const { membership, calls: outbox } = room
    this.#outbox = outbox
    this.#membership = membership
    this.#schema = schema
    this.#watches = watch
    this.#backoff = new Backoff(outbox.connection.clock.random)
    this.#own = new OwnState(room.name, outbox, (error) => this.#report(error))
    // They are the object's own only while this listens in.
    const receive = membership.receive.bind(membership)
    const leave = membership.leave.bind(membership)
    membership.receive = (envelope) => this.#take(envelope) || receive(envelope)
    membership.leave = () => {
      this.#end()
      leave()
    }
    this.#release = [
      () => Object.assign(membership, { receive, leave }),
      room.onJoined(() => this.#joined()),
      room.onRemoved(() => this.#parted(true)),
      onDown(outbox.connection, ({ willReconnect }) => {
        this.#parted(false)
        if (!willReconnect) this.#own.end(new RotundaError('closed', 'The client is closed.'))
      }),
    ]
    if (state !== undefined) this.#want(state, { resolve() {}, reject: (error) => this.#report(error) })
    // Who is in the room already was told so before this listened.
    if (membership.cursor && outbox.connection.isOpen) this.#joined()
  }

  /** Everybody who is present, by name, oneself included. Changed in place; while offline as it was last. */
  get members(): ReadonlyMap<string, PresenceMember<S>> {
    return this.#list.members
  }

  /** Whether `members` is how things are: false before the first time, and while there is no connection. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** By which name the server shows us; undefined before it said so. */
  get self(): string | undefined {
    return this.#own.member
  }

  /**
   * Is present, with this state in place of the one before; `null` says nothing. Resolves when the server has taken it,
   * or one that was set later. While offline it waits, and is said again on every connection.
   *
   * @throws {RotundaError} As rejection: `invalid_payload`, `presence_too_big`, `message_too_big`, `forbidden`,
   * `closed`, or what else the server refuses it with.
   */
  set(state: S | null): Promise<void> {
    return forCaller(new Promise<unknown>((resolve, reject) => this.#want(state, { resolve, reject })) as Promise<void>)
  }

  /** Is not present any more. Resolves when the server has taken it. */
  clear(): Promise<void> {
    return forCaller(
      new Promise<unknown>((resolve, reject) => {
        this.#said.add(() => undefined, () => this.#tell(undefined, { resolve, reject }), reject)
      }) as Promise<void>,
    )
  }

  /** Told when `members` is complete: the first time, and again on every later connection. */
  onSync(handler: (members: ReadonlyMap<string, PresenceMember<S>>) => unknown): () => void {
    return this.#syncs.add(handler)
  }

  /** Told after every change, once for all that came together, and after each sync: the place to draw. */
  onChange(handler: (members: ReadonlyMap<string, PresenceMember<S>>) => unknown): () => void {
    return this.#changes.add(handler)
  }

  /** Told of who has come. Not of those who were here before us; after a reconnect of those who came meanwhile. */
  onJoin(handler: (member: PresenceMember<S>) => unknown): () => void {
    return this.#joins.add(handler)
  }

  /** Told of who has gone, as it was last. */
  onLeave(handler: (member: PresenceMember<S>) => unknown): () => void {
    return this.#leaves.add(handler)
  }

  /** Told of a member with another state, and as it was before. */
  onUpdate(handler: (member: PresenceMember<S>, before: PresenceMember<S>) => unknown): () => void {
    return this.#updates.add(handler)
  }

  /** Is not present and not told any more. The room stays joined; `presence` makes another. */
  leave(): void {
    const { name: room } = this.#membership
    for (const type of ['presence.unwatch', 'presence.clear']) {
      if (this.#stay) this.#outbox.post({ type, room, payload: {} })
    }
    this.#end()
  }

  readonly #report = (error: unknown, about: Partial<Envelope> = { room: this.#membership.name }): void => {
    this.#membership.receiver.report(error, about)
  }

  #want(state: S | null, caller: Caller): void {
    const checked = () => this.#schema && state !== null ? check(this.#schema, state) : state
    const copy = (value: S | null) => ({ state: JSON.parse(JSON.stringify(value)) as unknown })
    this.#said.add(
      () => after(checked(), copy),
      (wanted) => this.#tell(wanted, caller),
      (error) => {
        caller.reject(
          error instanceof RotundaError
            ? error
            : new RotundaError('invalid_payload', 'payload: cannot be written as JSON', { cause: error }),
        )
      },
    )
  }

  #tell(wanted: Wanted, caller: Caller): void {
    this.#own.want(wanted, caller)
    if (this.#outbox.isEnded || this.#isOver) this.#own.end(new RotundaError('closed', 'The client or this is closed.'))
  }

  #joined(): void {
    if (this.#stay) return
    this.#stay = {}
    // First, so that we are among those we are told of.
    this.#own.joined()
    if (this.#watches) this.#watch()
  }

  #watch(): void {
    const stay = this.#stay
    const resolve = () => {
      this.#backoff.reset()
      this.#heard.add(() => {}, () => this.#list.begin(), this.#report)
    }
    const reject = (error: RotundaError) => {
      if (stay !== this.#stay || error.code === 'closed') return
      if (!error.retryable) this.#report(error)
      else this.#cancelRetry = this.#outbox.connection.clock.after(this.#backoff.next(), () => this.#watch())
    }
    const { name: room } = this.#membership
    this.#outbox.ask({ type: 'presence.watch', room, payload: {} }, { resolve, reject }, { timeout: Infinity })
  }

  /** The room is not joined now; whom we may not see any more is forgotten. */
  #parted(forgets: boolean): void {
    this.#stay = undefined
    this.#isSynced = false
    this.#cancelRetry()
    this.#own.parted()
    if (forgets) this.#show(this.#list.clear())
  }

  #end(): void {
    this.#isOver = true
    this.#parted(false)
    this.#list.clear()
    for (const release of this.#release) release()
    known.delete(this.#membership)
    this.#own.end(new RotundaError('closed', 'The room or its presence was left.'))
  }

  /** Takes what is about presence. */
  #take(envelope: Envelope): boolean {
    const { type } = envelope
    if (!type.startsWith('presence.')) return false
    const stay = this.#stay
    this.#heard.add(
      () => readMembers(envelope, this.#schema, (error) => this.#report(error, envelope)),
      (members) => {
        // It may have been left, or the connection lost, while members were checked.
        if (stay && stay === this.#stay) this.#apply(envelope, members)
      },
      (error) => this.#report(error, envelope),
    )
    return true
  }

  #apply({ type, payload }: Envelope, members: readonly PresenceMember<S>[]): void {
    if (type === 'presence.unwatch') {
      this.#isSynced = false
      this.#report(readError(payload))
      return this.#show(this.#list.clear())
    }
    if (type === 'presence.state') {
      const changes = this.#list.page(payload as PresenceState, members)
      if (!changes) return
      this.#isSynced = true
      this.#show(this.#wasSynced ? changes : undefined)
      this.#wasSynced = true
      this.#syncs.tell(this.#report, this.members)
      return
    }
    if (!this.#isSynced) return
    const gone = type === 'presence.leave' ? (payload as PresenceChanges).members as string[] : []
    const changes = this.#list.change(payload as PresenceChanges, members, gone)
    if (changes) return this.#show(changes)
    // Something is missing: from the beginning.
    this.#isSynced = false
    this.#watch()
  }

  #show({ joined, left, updated }: Changes<S> = { joined: [], left: [], updated: [] }): void {
    for (const member of left) this.#leaves.tell(this.#report, member)
    for (const member of joined) this.#joins.tell(this.#report, member)
    for (const [member, before] of updated) this.#updates.tell(this.#report, member, before)
    this.#changes.tell(this.#report, this.members)
  }
}
