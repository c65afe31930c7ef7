import type { JoinOptions } from '../../src/client/mod.ts'
import type { Random } from '../support/random.ts'
import type { ChatClient } from '../support/with_client.ts'
import type { Clients } from './clients.ts'
import type { Ledger } from './ledger.ts'
import { contentOf, type Reading } from './records.ts'

/** What a subscriber does when it acts: nothing, come back as another client, leave and join rooms, start anew. */
export type Habit = 'stays' | 'comes back' | 'leaves rooms' | 'starts anew'

interface Open {
  readonly reading: Reading
  readonly room: ReturnType<ChatClient['join']>
}

/** Reads rooms, and records all that its handlers see. */
export class Subscriber {
  readonly #name: string
  readonly #habit: Habit
  readonly #random: Random
  readonly #clients: Clients
  readonly #ledger: Ledger
  readonly #open = new Map<string, Open>()
  #client: ChatClient

  constructor(name: string, rooms: readonly string[], habit: Habit, random: Random, clients: Clients, ledger: Ledger) {
    this.#name = name
    this.#habit = habit
    this.#random = random
    this.#clients = clients
    this.#ledger = ledger
    this.#client = clients.connect()
    for (const room of rooms) this.#join(room, {})
  }

  /** The rooms where it has not come to these seqs, and how far it came. */
  behind(heads: ReadonlyMap<string, number>): string[] {
    return [...this.#open].filter(([name, { room }]) => (room.cursor?.seq ?? -1) < (heads.get(name) ?? 0))
      .map(([name, { room }]) => `${this.#name} in ${name} at ${room.cursor?.seq}`)
  }

  act(): void {
    if (this.#habit === 'leaves rooms') {
      for (const [name, { room }] of this.#open) {
        if (this.#random.chance(0.5)) continue
        const next = this.#leave(name)
        room.leave()
        this.#join(name, next)
      }
    } else if (this.#habit !== 'stays') {
      const next = [...this.#open.keys()].map((name) => [name, this.#leave(name)] as const)
      this.#clients.close(this.#client)
      this.#client = this.#clients.connect()
      for (const [name, saved] of next) this.#join(name, this.#habit === 'comes back' ? saved : this.#anyStart())
      if (this.#habit === 'comes back') this.#ledger.resumes += 1
    }
  }

  /** Ends the record of a room, and gives how to go on. */
  #leave(name: string): JoinOptions {
    const { reading, room } = this.#open.get(name)!
    const { cursor } = room
    reading.left = { cursor }
    return cursor === undefined ? reading.wanted : { since: cursor }
  }

  #anyStart(): JoinOptions {
    const { epoch } = this.#clients
    const kind = this.#random.whole(0, 4)
    if (kind === 0) return {}
    if (kind === 1) return { last: 0 }
    if (kind === 2) return { last: this.#random.whole(1, 500) }
    return kind === 3 || epoch === undefined ? { last: 10_000 } : { since: { epoch, seq: 0 } }
  }

  #join(name: string, wanted: JoinOptions): void {
    const reading: Reading = { subscriber: this.#name, room: name, wanted, events: [], errors: [] }
    const room = this.#client.join(name, wanted)
    const record = (event: Reading['events'][number]) => {
      reading.events.push(event)
      this.#ledger.changed()
    }
    room.onJoined((joined) => record({ joined }))
    room.onGap((gap) => record({ gap }))
    room.onError(({ code, retryable, message }) => void reading.errors.push({ code, retryable, message }))
    room.on('chat.message', ({ id, seq, room, payload }) => {
      this.#ledger.seen += 1
      record({ seen: { id, seq, room, content: contentOf(payload) } })
    })
    this.#open.set(name, { reading, room })
    this.#ledger.readings.push(reading)
  }
}
