import type { EncodedEnvelope } from '../../protocol/envelope.ts'
import { Channel, type Variant } from '../channel.ts'
import type { Connection } from '../connection.ts'
import type { Executor } from '../executor.ts'
import type { Limits } from '../limits.ts'
import type { Host } from '../peer.ts'
import type { Traffic } from '../traffic.ts'
import type { Entry } from './entry.ts'
import { type Census, OwnMembers } from './own_members.ts'
import { PAGE_TEXT, Pages } from './pages.ts'
import { PresenceMap } from './presence_map.ts'
import { PresenceWatcher, type WatchedRoom } from './presence_watcher.ts'

/** What happened to a member, as all nodes together see it. */
export type ChangeKind = 'join' | 'leave' | 'update'

/** What a room's presence needs of its hub. */
export interface PresenceEnvironment {
  readonly executor: Executor
  readonly limits: Pick<Limits, 'highWaterMark'>
  readonly census: Census
  /** Put before room names in native topics: several hubs may share one server. */
  readonly topics: string
  /** What is sent is counted here. */
  readonly traffic: Traffic
  /** Milliseconds that a change waits for others at most. */
  readonly window: number
  /** Tells the other nodes, where there are any, what became of own members, and whether those that are gone left. */
  readonly share: ((room: PresenceRoom, changes: ReadonlyMap<string, boolean>) => void) | undefined
  /** Told of every change that watchers are told of. */
  changed(kind: ChangeKind, room: string, member: string, entry: Entry): void
  /** Nobody is present or watching here. */
  idle(room: PresenceRoom): void
}

/**
 * Who is present in one room. Changes are gathered for a moment; what is left of them then is told to the watchers, the
 * other nodes and the application: who went and came back meanwhile was never away.
 */
export class PresenceRoom implements WatchedRoom {
  readonly name: string
  readonly map: PresenceMap
  readonly own: OwnMembers
  readonly pages: Pages
  /** The version of our own members that other nodes were told of; 0 before any. */
  sharedVersion = 0
  readonly #environment: PresenceEnvironment
  readonly #channels: Channel<PresenceWatcher>[] = []
  readonly #watchers = new Map<Connection, PresenceWatcher>()
  /** Those who begin as soon as all is told that happened before they came. */
  readonly #starting = new Set<PresenceWatcher>()
  /** Members who may have changed since watchers were last told. */
  readonly #pending = new Set<string>()
  /** Own members of whom other nodes must hear, and whether those that are gone have left. */
  readonly #unshared = new Map<string, boolean>()
  /** Nodes whose answer is waited for before anybody is told who is here. */
  readonly #awaited = new Set<string>()
  readonly #whenReady: (() => void)[] = []
  #version = 0
  /** Uses that keep the room from being forgotten. */
  #uses = 0
  #cancelTimer: (() => void) | undefined

  constructor(name: string, environment: PresenceEnvironment) {
    this.name = name
    this.#environment = environment
    this.pages = new Pages(name)
    this.map = new PresenceMap((member) => this.#touch(member))
    this.own = new OwnMembers(this.map.own, environment.census, (member, left) => {
      if (environment.share !== undefined) this.#unshared.set(member, left)
      this.#touch(member)
    })
  }

  /** Rises with every change that watchers are told of. */
  get version(): number {
    return this.#version
  }

  get lowWaterMark(): number {
    return this.#environment.limits.highWaterMark / 2
  }

  get watchers(): number {
    return this.#watchers.size
  }

  /** Members whose changes wait to be told. */
  get pending(): number {
    return this.#pending.size
  }

  /** Gives a connection the members, and their changes from then on. */
  watch(connection: Connection): PresenceWatcher {
    const watcher = this.#watchers.get(connection) ??
      new PresenceWatcher(this, connection, this.#channelFor(connection.peer.host, connection.variant))
    this.#watchers.set(connection, watcher)
    watcher.pause()
    if (this.#isReady && this.#pending.size === 0) watcher.start()
    else this.#starting.add(watcher)
    return watcher
  }

  unwatch(connection: Connection): void {
    const watcher = this.#watchers.get(connection)
    if (watcher === undefined) return
    this.#watchers.delete(connection)
    this.#starting.delete(watcher)
    watcher.end()
    this.forgetIfIdle()
  }

  /** Calls when the other nodes have said whom they have; at once where there are none. */
  use(then: (members: ReadonlyMap<string, Entry>) => void): void {
    this.#uses += 1
    this.#onReady(() => {
      then(new Map([...this.map.members()].map((member) => [member, this.map.get(member)!])))
      this.#uses -= 1
      this.forgetIfIdle()
    })
  }

  /** Waits for what these nodes have to say before anybody is told who is here. */
  expect(nodes: Iterable<string>): void {
    for (const node of nodes) this.#awaited.add(node)
  }

  /** A node has said whom it has, or is gone. Without a name: none is waited for any longer. */
  answered(node?: string): void {
    if (this.#isReady) return
    if (node === undefined) this.#awaited.clear()
    else this.#awaited.delete(node)
    if (!this.#isReady) return
    for (const then of this.#whenReady.splice(0)) then()
    if (this.#pending.size > 0) this.#schedule()
    else this.#startWaiting()
  }

  /** Tells the other nodes what they have not heard of own members. */
  share(): void {
    if (this.#unshared.size === 0) return
    const changes = new Map(this.#unshared)
    this.#unshared.clear()
    this.#environment.share?.(this, changes)
  }

  forgetIfIdle(): void {
    const isUsed = this.map.own.size > 0 || this.#watchers.size > 0 || this.#uses > 0
    if (isUsed || this.#unshared.size > 0) return
    this.stop()
    this.#environment.idle(this)
  }

  stop(): void {
    this.own.stop()
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  get #isReady(): boolean {
    return this.#awaited.size === 0
  }

  #onReady(then: () => void): void {
    if (this.#isReady) then()
    else this.#whenReady.push(then)
  }

  #touch(member: string): void {
    this.#pending.add(member)
    this.#schedule()
  }

  /** The first change after a quiet time is told as soon as what came with it is handled, further ones together. */
  #schedule(): void {
    if (this.#cancelTimer === undefined) this.#after(0, () => this.#flush())
  }

  #after(milliseconds: number, then: () => void): void {
    const { executor } = this.#environment
    if (executor.signal.aborted) return
    this.#cancelTimer = executor.after(milliseconds, () => {
      this.#cancelTimer = undefined
      then()
    })
  }

  #flush(): void {
    this.#after(this.#environment.window, () => {
      if (this.#pending.size > 0 || this.#unshared.size > 0) this.#flush()
    })
    this.share()
    // Else what is only on its way from other nodes would look as if it had just come.
    if (this.#isReady) this.#tell()
    this.forgetIfIdle()
  }

  #tell(): void {
    const texts: Record<ChangeKind, string[]> = { leave: [], join: [], update: [] }
    const changes: [kind: ChangeKind, member: string, entry: Entry][] = []
    for (const member of this.#pending) {
      const before = this.pages.get(member)
      const now = this.map.get(member)
      if (now !== undefined && before?.state !== now.state) {
        const entry = before === undefined ? now : { ...now, since: before.since }
        const kind = before === undefined ? 'join' : 'update'
        texts[kind].push(this.pages.set(member, entry))
        changes.push([kind, member, entry])
      } else if (now === undefined && before !== undefined) {
        this.pages.delete(member)
        texts.leave.push(JSON.stringify(member))
        changes.push(['leave', member, before])
      }
    }
    this.#pending.clear()
    this.#deliver([
      ...this.#envelopes('leave', texts.leave),
      ...this.#envelopes('join', texts.join),
      ...this.#envelopes('update', texts.update),
    ])
    this.#startWaiting()
    // Last, since what is told may make further changes.
    for (const [kind, member, entry] of changes) this.#environment.changed(kind, this.name, member, entry)
  }

  #deliver(batch: readonly EncodedEnvelope[]): void {
    const size = batch.reduce((sum, { payload }) => sum + payload.length, 0)
    // As one frame where they fit one.
    for (const frame of size <= PAGE_TEXT ? [batch] : batch.map((envelope) => [envelope])) {
      if (frame.length > 0) { for (const channel of this.#channels) channel.deliver(frame) }
    }
    for (const channel of this.#channels) for (const watcher of channel.slow()) watcher.fallBehind()
  }

  /** Changes of one kind, in envelopes that each fit a frame and are a version. */
  #envelopes(kind: ChangeKind, texts: readonly string[]): EncodedEnvelope[] {
    const envelopes: EncodedEnvelope[] = []
    for (let start = 0, size = 0, i = 0; i < texts.length; i++) {
      size += texts[i]!.length
      if (i + 1 < texts.length && size + texts[i + 1]!.length <= PAGE_TEXT) continue
      const payload = `{"version":${++this.#version},"members":[${texts.slice(start, i + 1).join()}]}`
      envelopes.push({ type: `presence.${kind}`, room: this.name, payload })
      start = i + 1
      size = 0
    }
    return envelopes
  }

  #startWaiting(): void {
    for (const watcher of this.#starting) watcher.start()
    this.#starting.clear()
  }

  #channelFor(host: Host, variant: Variant): Channel<PresenceWatcher> {
    let channel = this.#channels.find((candidate) => candidate.serves(host, variant))
    if (channel === undefined) {
      const { topics, limits, traffic } = this.#environment
      channel = new Channel(`presence:${topics}:${this.name}`, host, variant, limits.highWaterMark, traffic)
      this.#channels.push(channel)
    }
    return channel
  }
}
