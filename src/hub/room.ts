import type { EncodedEnvelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Joined, JoinRequest } from '../protocol/reserved.ts'
import type { RoomExtent } from '../storage/store.ts'
import type { Counters } from './counters.ts'
import { Doubts } from './doubts.ts'
import { FanOut } from './fan_out.ts'
import { trimmedGap } from './gap.ts'
import { fromStored, type LogEnvelope } from './log_envelope.ts'
import { type Page, PageReader } from './page.ts'
import { PendingJoins } from './pending_joins.ts'
import { keepTrying } from './retry.ts'
import { SharedRead } from './shared_read.ts'
import type { RoomEnvironment } from './room_environment.ts'
import { startOf } from './start.ts'
import type { Connection } from './connection.ts'
import { Subscription } from './subscription.ts'
import { costOfSending, type Turns } from './turns.ts'
import type { Watcher } from './watcher.ts'

/**
 * A room that somebody is in. It hands the log to its members in order: `head` is the seq up to which live members
 * were or are being served, and every batch that does not follow on from it makes the room read the log instead.
 */
export class Room {
  readonly name: string
  readonly #environment: RoomEnvironment
  readonly #members = new Map<Connection, Subscription>()
  readonly #fanOut: FanOut
  readonly #pages: PageReader
  #loading: Promise<void> | undefined
  #isLoaded = false
  #head = 0
  /** Highest seq known to be in the log; more than `head` while the room reads up to it. */
  #known = 0
  #advancing = false
  readonly #doubts = new Doubts(() => this.track(this.#settleDoubt()))
  /** A room with any is not empty. */
  readonly #joining = new PendingJoins()
  /** Who waits for the log to grow without being a member. */
  readonly watchers: Set<Watcher> = new Set()
  /** How far the log reaches now, whatever this node has heard. */
  readonly extent: SharedRead<RoomExtent> = new SharedRead(() => this.#environment.store.extent(this.name))

  constructor(name: string, environment: RoomEnvironment) {
    this.name = name
    this.#environment = environment
    this.#fanOut = new FanOut(name, environment)
    const { limits: { maxMessageSize }, readings } = environment
    this.#pages = new PageReader((after, limit) => this.#readLog(after, limit), maxMessageSize, readings)
    this.load().catch(() => {})
  }

  get head(): number {
    return this.#head
  }

  get epoch(): string {
    return this.#environment.store.epoch
  }

  /** Buffered bytes below which a subscriber that is catching up reads on. */
  get lowWaterMark(): number {
    return this.#environment.limits.highWaterMark / 2
  }

  get counters(): Counters {
    return this.#environment.counters
  }

  /** Asked before the log is sent to somebody: thousands may have waited for the same page. */
  get readings(): Turns {
    return this.#environment.readings
  }

  get size(): number {
    return this.#members.size
  }

  get hasMembers(): boolean {
    return this.#members.size > 0 || this.#joining.size > 0
  }

  get isEmpty(): boolean {
    return !this.hasMembers && this.watchers.size === 0
  }

  members(): Connection[] {
    return [...this.#members.keys()]
  }

  report(error: unknown): void {
    this.#environment.report(error)
  }

  /** Makes the executor own something that goes on for this room. */
  track<T>(task: Promise<T>): Promise<T> {
    return this.#environment.executor.track(task)
  }

  /**
   * Makes a connection a member. `answer` is called before anything of the log is sent, in the same turn in which the
   * position is fixed; not at all where it left, ended or may not enter any more when the store has answered.
   */
  join(
    connection: Connection,
    request: JoinRequest,
    answer: (joined: Joined) => void,
    mayEnter: () => boolean,
  ): void | Promise<void> {
    if (this.#isLoaded && !this.#mustAskStore(request)) {
      return this.#admit(connection, request, { head: this.#head, trimmed: 0 }, answer)
    }
    return this.#joining.add(connection, request, this.#extentFor(request), (extent) => {
      if (connection.isUsable && mayEnter()) this.#admit(connection, request, extent, answer)
    })
  }

  /** Ends a membership, or what is on the way to one. */
  leave(connection: Connection): void {
    this.#joining.drop(connection)
    const subscription = this.#members.get(connection)
    if (subscription === undefined) return
    this.#members.delete(connection)
    connection.left(this)
    subscription.end()
  }

  subscription(connection: Connection): Subscription | undefined {
    return this.#members.get(connection)
  }

  /** Hands over what was just committed; the messages' seqs follow on from each other. */
  announce(batch: readonly LogEnvelope[]): void {
    if (!this.#isLoaded) return this.notice(batch.at(-1)!.seq)
    const fresh = batch[0]!.seq > this.#head ? batch : batch.filter((message) => message.seq > this.#head)
    if (fresh.length === 0) return
    if (fresh[0]!.seq === this.#head + 1) this.#deliverLog(fresh)
    else this.notice(fresh.at(-1)!.seq)
  }

  /** Learns that the log reaches at least to `seq`, and reads what live members have not got yet. */
  notice(seq: number): void {
    if (seq > this.#known) this.#known = seq
    if (!this.#isLoaded || this.#known <= this.#head || this.#advancing || this.isEmpty) return
    if (this.hasMembers) return this.#advance()
    // Watchers read for themselves.
    this.#head = this.#known
    this.#tellWatchers()
  }

  /** Asks the log how far it reaches, after a commit of which nobody knows whether it happened. */
  doubt(): void {
    this.#doubts.raise()
  }

  /** Delivers at most once to who is live; others are reading the log and miss it. */
  emit(batch: readonly EncodedEnvelope[], except?: Connection): void {
    this.#fanOut.emit(batch, except)
  }

  /** A piece of the log after `cursor`: for members never beyond the head, what follows is live members' business first. */
  page(cursor: number, through: number = this.#head, most?: number): Promise<Page> {
    return this.#pages.page(cursor, through, most)
  }

  async #settleDoubt(): Promise<void> {
    this.notice((await keepTrying(() => this.#environment.store.extent(this.name), this.#environment)).head)
  }

  /** Learns how far the log reaches; after a failure whoever comes next tries again. */
  load(): Promise<void> {
    return this.#loading ??= this.track(this.#load()).catch((error) => {
      this.#loading = undefined
      throw error
    })
  }

  async #load(): Promise<void> {
    const { head } = await this.extent.get()
    this.#head = head
    this.#isLoaded = true
    this.notice(head)
  }

  async #extentFor(request: JoinRequest): Promise<RoomExtent> {
    try {
      await this.load()
      if (!this.#mustAskStore(request)) return { head: this.#head, trimmed: 0 }
      const extent = await this.extent.get()
      this.notice(extent.head)
      // Thousands may have waited for this very answer.
      await this.readings.pass(costOfSending(1, 0))
      return extent
    } catch (cause) {
      this.report(cause)
      throw new RotundaError('store_unavailable', `Room "${this.name}" cannot be read now; try again.`, { cause })
    }
  }

  /** `last` counts from what was trimmed, and a cursor beyond our head may come from another node's delivery. */
  #mustAskStore({ since, last }: JoinRequest): boolean {
    return (last ?? 0) > 0 || (since?.seq ?? 0) > this.#head
  }

  #admit(
    connection: Connection,
    request: JoinRequest,
    extent: RoomExtent,
    answer: (joined: Joined) => void,
  ): void {
    const member = this.#members.get(connection)
    if (member !== undefined && request.since === undefined && request.last === undefined) {
      return answer({ head: this.#head, epoch: this.epoch, cursor: member.position })
    }
    // Who names a position is served from there, in one membership still.
    member?.end()
    const { cursor, gap } = startOf(request, extent, this.#head, this.epoch)
    const channel = this.#fanOut.channelFor(connection.peer.host, connection.variant, this.#head)
    const subscription = new Subscription(this, connection, channel, cursor)
    this.#members.set(connection, subscription)
    connection.entered(this)
    answer({ head: this.#head, epoch: this.epoch, cursor })
    // Whoever was told of it may have taken it out again.
    if (this.#members.get(connection) !== subscription) return
    if (request.since !== undefined) this.counters.resumes += 1
    if (gap !== undefined) {
      this.counters.gaps += 1
      connection.sendReserved('room.gap', gap, { room: this.name })
    }
    subscription.resume()
  }

  #deliverLog(batch: readonly LogEnvelope[]): void {
    this.#head = batch.at(-1)!.seq
    if (this.#known < this.#head) this.#known = this.#head
    this.#fanOut.deliver(batch)
    this.#tellWatchers()
  }

  #tellWatchers(): void {
    for (const watcher of this.watchers) watcher.moved()
  }

  #advance(): void {
    this.#advancing = true
    this.track(this.#readToKnown()).catch(() => this.#known = this.#head).finally(() => {
      this.#advancing = false
      this.notice(this.#known)
    })
  }

  async #readToKnown(): Promise<void> {
    while (this.#known > this.#head && !this.isEmpty) {
      const page = await this.#pages.page(this.#head, this.#known)
      const fresh = page.messages.filter((message) => message.seq > this.#head)
      // A page may hold nothing fresh because what it holds was announced meanwhile: only what it lacks was removed.
      const next = fresh[0]?.seq ?? (page.messages.at(-1)?.seq ?? page.through) + 1
      if (next > this.#head + 1) this.#skipTo(next - 1)
      if (fresh.length > 0) this.#deliverLog(fresh)
    }
  }

  /** The messages up to `seq` were removed before anybody live got them. */
  #skipTo(seq: number): void {
    const gap = trimmedGap(this.#head + 1, seq, this.epoch)
    this.#head = seq
    this.#fanOut.skip(gap, seq)
    this.#tellWatchers()
  }

  async #readLog(after: number, limit: number): Promise<LogEnvelope[]> {
    const read = () => this.#environment.store.replayRoom(this.name, after, limit)
    // One loop for all who wait for this page, ended when nobody is here to read it.
    const messages = await keepTrying(read, this.#environment, () => this.isEmpty)
    return messages.map(fromStored)
  }
}
