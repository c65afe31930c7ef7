import { type Broker, createHub, type HubOptions } from '../../src/mod.ts'
import type { Envelope } from '../../src/protocol/mod.ts'
import { FakeExecutor } from '../support/fake_executor.ts'
import { connectPeer, MemoryHost, type MemoryPeer } from '../support/memory_peer.ts'
import { notes, type NotesHub } from '../support/test_hub.ts'

/** Whom a client says it is, in its own requests. */
interface User {
  user?: string
}

export type PresenceHub = NotesHub

/** A hub on a clock that stands still, where a session's metadata names its user. */
export class Scene {
  readonly time: FakeExecutor
  readonly host: MemoryHost
  readonly hub: PresenceHub

  constructor(
    options: Partial<HubOptions<typeof notes.definitions, Record<string, unknown>>> = {},
    { native = true, time = new FakeExecutor(), broker }: { native?: boolean; time?: FakeExecutor; broker?: Broker } =
      {},
  ) {
    this.time = time
    this.host = new MemoryHost({ native })
    const presence = {
      member: ({ id, metadata }: { id: string; metadata: User }) => metadata.user ?? id,
      ...options.presence,
    }
    const cluster = broker === undefined ? {} : { broker }
    this.hub = createHub({ protocol: notes, executor: time, ...cluster, ...options, presence })
  }

  /** A client of this user, in these rooms. */
  async client(user: string | undefined, rooms: readonly string[] = ['r'], batches = true): Promise<TestClient> {
    const peer = connectPeer(this.hub, this.host, { batches })
    if (user !== undefined) this.hub.session(peer.connection.id)!.metadata = { user }
    const client = new TestClient(peer)
    for (const room of rooms) await client.ask('room.join', {}, room)
    return client
  }
}

/** A member as the wire shows it. */
export interface WireMember {
  readonly member: string
  readonly state: unknown
  readonly since: number
}

/** A client that does with presence frames what the wire document says. */
export class TestClient {
  readonly peer: MemoryPeer
  #refs = 0
  #read = 0

  constructor(peer: MemoryPeer) {
    this.peer = peer
  }

  /** Asks and gives the answer, which may be an error. */
  async ask(type: string, payload: unknown = {}, room = 'r'): Promise<Envelope> {
    const ref = String(++this.#refs)
    this.peer.say({ type, room, ref, payload })
    return (await this.peer.until((all) => all.some((envelope) => envelope.ref === ref)))
      .find((envelope) => envelope.ref === ref)!
  }

  set(state?: unknown, room = 'r'): Promise<Envelope> {
    return this.ask('presence.set', state === undefined ? {} : { state }, room)
  }

  /** The connection is lost. */
  lose(): void {
    this.peer.connection.closed(1006, '')
  }

  /** Presence frames, in short: `join ana`, `leave ben`, `state 2`, … since the last call. */
  news(): string[] {
    const all = this.peer.received.filter(({ type, kind }) => type.startsWith('presence.') && kind === undefined)
    const fresh = all.slice(this.#read)
    this.#read = all.length
    return fresh.map(({ type, payload }) => {
      const { members = [] } = payload as { members?: (WireMember | string)[] }
      const names = members.map((member) => typeof member === 'string' ? member : member.member).sort()
      return [type.slice('presence.'.length), ...names].join(' ')
    })
  }

  /** Members with their states, made from all frames so far; throws where these do not fit together. */
  view(room = 'r'): Record<string, unknown> {
    return Object.fromEntries([...readView(this.peer.received, room)].sort(([a], [b]) => a < b ? -1 : 1))
  }
}

/** What a watcher knows after these frames; undefined while its first snapshot is not complete. */
export function readView(received: readonly Envelope[], room: string): Map<string, unknown> {
  let members = new Map<string, unknown>()
  let pages: Map<number, WireMember[]> | undefined
  let version: number | undefined
  for (const { type, kind, room: where, payload } of received) {
    if (where !== room) continue
    if (type === 'presence.watch' && kind === 'reply') pages = version = undefined
    if (!/^presence\.(?:state|join|leave|update)$/.test(type)) continue
    const frame = payload as { version: number; page: number; more: boolean; members: WireMember[] }
    if (type === 'presence.state') {
      pages ??= new Map()
      pages.set(frame.page, frame.members)
      if (frame.more) continue
      version = frame.version
      members = new Map([...pages.values()].flat().map(({ member, state }) => [member, state]))
      pages = undefined
      continue
    }
    if (pages !== undefined) throw new Error(`${type} in the middle of a snapshot`)
    if (frame.version !== version! + 1) throw new Error(`${type} has version ${frame.version} after ${version}`)
    version = frame.version
    for (const item of frame.members) {
      const member = typeof item === 'string' ? item : item.member
      const isKnown = members.has(member)
      if (isKnown !== (type !== 'presence.join')) throw new Error(`${type} of ${member}, who is known: ${isKnown}`)
      if (type === 'presence.leave') members.delete(member)
      else members.set(member, item.state)
    }
  }
  return members
}
