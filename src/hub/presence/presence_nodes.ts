import type { Broker } from '../../cluster/broker.ts'
import type { Executor } from '../executor.ts'
import type { NamedEntry } from './entry.ts'
import {
  decodeNodeMessage,
  encodeNodeMessage,
  type Known,
  NEVER,
  type NodeMessage,
  type Sender,
} from './node_messages.ts'
import { NodeLeases } from './node_leases.ts'
import { PAGE_TEXT } from './pages.ts'
import type { PresenceRoom } from './presence_room.ts'

/** What the nodes of a cluster agree on. */
export interface NodesOptions {
  readonly broker: Broker
  readonly node: string
  readonly executor: Executor
  /** How long a node counts that is not heard of, in milliseconds. */
  readonly lease: number
  /** How long members of a node that stops may take to come back elsewhere, in milliseconds. */
  readonly grace: number
  /** The rooms in which somebody is present or watching here, by name. */
  readonly rooms: ReadonlyMap<string, PresenceRoom>
  report(error: unknown): void
}

const ALL = 'rotunda:presence'
const topicOfNode = (instance: string) => `${ALL}:node:${instance}`
const topicOfRoom = (room: string) => `${ALL}:room:${room}`

/** Rooms in one message. */
const MAX_ROOMS = 1_000
/** Rooms that are compared with another node in one round, at least; it takes at most so many rounds for all. */
const ROOMS_A_ROUND = 100
const ROUNDS = 12

/**
 * Shares presence with the other nodes. Each is told of another's members in rooms it cares for, in versions; from time
 * to time it compares what it knows with what is, so that whatever the broker lost is found. A node that is not heard of
 * for the lease is gone, and its members with it.
 */
export class PresenceNodes {
  readonly #options: NodesOptions
  readonly #self: Sender
  readonly #leases: NodeLeases
  readonly #topics = new Map<string, () => void>()
  /** Rooms of which all nodes are to be asked. */
  readonly #asking = new Set<string>()
  /** What was asked for lately: nodes with rooms. */
  readonly #asked = new Set<string>()
  /** Rises with every version of any room, so that a room which was forgotten never goes back. */
  #clock = 0
  #round = 0
  /** Whether nodes may be there that have not answered our first greeting. */
  #isNew = true
  #stopped = false

  constructor(options: NodesOptions) {
    this.#options = options
    this.#self = { node: options.node, instance: crypto.randomUUID() }
    this.#leases = new NodeLeases(options.executor, options.lease, {
      tick: () => this.#asked.clear(),
      beat: () => this.#beat(),
      probe: (instance) => this.#say(topicOfNode(instance), { kind: 'hello' }),
      lost: (instance) => this.#lost(instance),
    })
    this.#listen(ALL)
    this.#listen(topicOfNode(this.#self.instance))
    this.#say(ALL, { kind: 'hello' })
    options.executor.after(this.#leases.tick / 2, () => {
      this.#isNew = false
      for (const room of options.rooms.values()) room.answered(this.#self.instance)
    })
  }

  /** Begins to care for a room. */
  follow(room: PresenceRoom): void {
    this.#listen(topicOfRoom(room.name))
    room.expect(this.#leases.nodes)
    // Stands for nodes that we do not know yet.
    if (this.#isNew) room.expect([this.#self.instance])
    this.#options.executor.after(this.#leases.tick, () => room.answered())
    this.#asking.add(room.name)
    if (this.#asking.size === 1) this.#options.executor.after(0, () => this.#askAll())
  }

  unfollow(room: PresenceRoom): void {
    const topic = topicOfRoom(room.name)
    this.#topics.get(topic)?.()
    this.#topics.delete(topic)
    this.#asking.delete(room.name)
  }

  /** Tells what became of own members, and whether those that are gone have left. */
  share(room: PresenceRoom, changes: ReadonlyMap<string, boolean>): void {
    if (this.#stopped) return
    if (room.sharedVersion === 0) {
      if (room.map.own.size === 0) return
      room.sharedVersion = ++this.#clock
      return this.#sayAll(topicOfRoom(room.name), room)
    }
    for (const members of pieces([...changes], ([member]) => room.map.own.get(member)?.state.length ?? 0)) {
      const set: NamedEntry[] = []
      const gone: [string, boolean][] = []
      for (const [member, left] of members) {
        const entry = room.map.own.get(member)
        if (entry === undefined) gone.push([member, left])
        else set.push([member, entry])
      }
      const from = room.sharedVersion
      const to = room.sharedVersion = ++this.#clock
      this.#say(topicOfRoom(room.name), { kind: 'diff', room: room.name, from, to, set, gone })
    }
  }

  /** Tells the others, who keep our members for a grace, and hears no more. */
  stop(): void {
    if (this.#stopped) return
    this.#say(ALL, { kind: 'bye', grace: this.#options.grace })
    this.#stopped = true
    this.#leases.stop()
    for (const unsubscribe of this.#topics.values()) unsubscribe()
    this.#topics.clear()
  }

  #listen(topic: string): void {
    this.#topics.set(topic, this.#options.broker.subscribe(topic, (bytes) => this.#receive(bytes)))
  }

  #say(topic: string, message: NodeMessage): void {
    try {
      this.#options.broker.publish(topic, encodeNodeMessage(this.#self, message))
    } catch (error) {
      this.#options.report(error)
    }
  }

  #receive(bytes: Uint8Array): void {
    const decoded = decodeNodeMessage(bytes)
    if (decoded === undefined || this.#stopped) return
    const { sender, message } = decoded
    if (sender.instance === this.#self.instance) return
    if (message.kind === 'bye') return this.#leases.shorten(sender.instance, message.grace)
    // A node's new life ends the old one, whose members may be coming back.
    if (this.#leases.heard(sender, this.#options.grace)) this.#check(sender.instance, [...this.#options.rooms.keys()])
    this.#handle(sender.instance, message)
  }

  #handle(instance: string, message: NodeMessage): void {
    const { rooms } = this.#options
    switch (message.kind) {
      case 'hello':
        return this.#say(topicOfNode(instance), { kind: 'beat' })
      case 'check':
        return this.#answer(instance, message.rooms)
      case 'none':
        for (const name of message.rooms) {
          const room = rooms.get(name)
          room?.map.source(instance).replace(message.version, [])
          room?.answered(instance)
        }
        return
      case 'part': {
        const room = rooms.get(message.room)
        if (room?.map.source(instance).part(message) === true) room.answered(instance)
        return
      }
      case 'diff': {
        const room = rooms.get(message.room)
        const outcome = room?.map.source(instance).diff(message)
        if (outcome === 'early') this.#ask(instance, message.room)
        if (outcome === 'applied') { for (const [member, left] of message.gone) if (left) room!.own.endGrace(member) }
      }
    }
  }

  /** Gives another node what it does not know. */
  #answer(instance: string, known: readonly Known[]): void {
    const none: string[] = []
    for (const [name, version, size] of known) {
      const room = this.#options.rooms.get(name)
      // One version is always the same members, in the same parts.
      room?.share()
      if (room === undefined || room.sharedVersion === 0) {
        if (version === NEVER || size > 0) none.push(name)
      } else if (room.sharedVersion !== version) this.#sayAll(topicOfNode(instance), room)
    }
    if (none.length > 0) this.#say(topicOfNode(instance), { kind: 'none', rooms: none, version: this.#clock })
  }

  /** Everybody we have in a room. */
  #sayAll(topic: string, room: PresenceRoom): void {
    const sets = pieces([...room.map.own], ([member, { state }]) => member.length + state.length)
    const { name, sharedVersion: version } = room
    if (sets.length === 0) sets.push([])
    sets.forEach((set, part) => {
      this.#say(topic, { kind: 'part', room: name, version, part, parts: sets.length, set })
    })
  }

  /** Asks every node whom it has in rooms that we have begun to care for. */
  #askAll(): void {
    const rooms = [...this.#asking].map((room): Known => [room, NEVER, 0])
    this.#asking.clear()
    for (let i = 0; i < rooms.length; i += MAX_ROOMS) {
      this.#say(ALL, { kind: 'check', rooms: rooms.slice(i, i + MAX_ROOMS) })
    }
  }

  /** Asks a node for what we missed of it, once in a while. */
  #ask(instance: string, room: string): void {
    const key = `${instance} ${room}`
    if (this.#asked.has(key)) return
    this.#asked.add(key)
    this.#check(instance, [room])
  }

  #check(instance: string, names: readonly string[]): void {
    const known = names.map((name): Known => {
      const { version, size } = this.#options.rooms.get(name)!.map.known(instance)
      return [name, version, size]
    })
    for (let i = 0; i < known.length; i += MAX_ROOMS) {
      this.#say(topicOfNode(instance), { kind: 'check', rooms: known.slice(i, i + MAX_ROOMS) })
    }
  }

  #beat(): void {
    this.#say(ALL, { kind: 'beat' })
    const names = [...this.#options.rooms.keys()]
    const count = Math.max(ROOMS_A_ROUND, Math.ceil(names.length / ROUNDS))
    const start = count * (this.#round++ % Math.max(1, Math.ceil(names.length / count)))
    const some = names.slice(start, start + count)
    for (const instance of this.#leases.nodes) this.#check(instance, some)
  }

  #lost(instance: string): void {
    for (const room of this.#options.rooms.values()) {
      room.map.drop(instance)
      room.answered(instance)
    }
  }
}

/** Cuts a list so that each piece fits a message. */
function pieces<T>(items: readonly T[], lengthOf: (item: T) => number): T[][] {
  const all: T[][] = []
  let size = Infinity
  for (const item of items) {
    const length = lengthOf(item) + 64
    if (size + length > PAGE_TEXT) {
      all.push([])
      size = 0
    }
    all.at(-1)!.push(item)
    size += length
  }
  return all
}
