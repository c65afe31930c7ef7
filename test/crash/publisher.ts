import type { Random } from '../support/random.ts'
import { type ChatClient, says } from '../support/with_client.ts'
import type { Clients } from './clients.ts'
import type { Ledger } from './ledger.ts'
import { contentOf, type Publish } from './records.ts'

/** Most publishes of one publisher without an ack. */
const WINDOW = 48
const LETTERS = ['x', 'ä', '€', '😀', '"', '\\', '\n']

/** Publishes numbered messages as fast as they are acknowledged, many at once, until it is stopped. */
export class Publisher {
  readonly #name: string
  readonly #rooms: readonly string[]
  readonly #random: Random
  readonly #clients: Clients
  readonly #ledger: Ledger
  readonly #open = new Set<Publish>()
  #client: ChatClient
  #number = 0
  #stopped = false
  #waitsFor = 0

  constructor(name: string, rooms: readonly string[], random: Random, clients: Clients, ledger: Ledger) {
    this.#name = name
    this.#rooms = rooms
    this.#random = random
    this.#clients = clients
    this.#ledger = ledger
    this.#client = clients.connect()
    this.#burst()
  }

  /** Nothing new from now on. */
  stop(): void {
    this.#stopped = true
  }

  get isFlushed(): boolean {
    return this.#open.size === 0
  }

  /** As after a crash of the publisher: a fresh client publishes what was not acknowledged again, under the same keys. */
  restart(): void {
    this.#clients.close(this.#client)
    this.#client = this.#clients.connect()
    for (const publish of this.#open) this.#send(publish)
  }

  #burst(): void {
    const room = this.#random.pick(this.#rooms)
    for (let left = this.#random.whole(1, WINDOW - this.#open.size); left > 0; left--) {
      const number = ++this.#number
      const publish: Publish = {
        publisher: this.#name,
        number,
        room: this.#random.chance(0.7) ? room : this.#random.pick(this.#rooms),
        key: `${this.#name}:${number}`,
        content: contentOf(this.#payload(number)),
        acks: [],
      }
      this.#ledger.publishes.push(publish)
      this.#open.add(publish)
      this.#send(publish)
    }
    this.#waitsFor = this.#random.whole(0, this.#open.size - 1)
  }

  #payload(number: number): { user: string; text: string } {
    // Made of nothing but the number, so that it can be made again.
    const filling = LETTERS[number % LETTERS.length]!.repeat(number % 11 === 0 ? 900 : number % 40)
    return { ...says(`${number} ${filling}`), user: this.#name }
  }

  #send(publish: Publish): void {
    const client = this.#client
    const { room, number, key } = publish
    client.join(room).publish('chat.message', this.#payload(number), { key }).then(
      (place) => {
        // Its ack was on the way when the publisher crashed, which publishes it again and is told the same place.
        if (client !== this.#client) return
        publish.acks.push(place)
        this.#ledger.acks += 1
        this.#settled(publish)
      },
      (error) => {
        if (client !== this.#client) return
        publish.refused = String(error.code ?? error)
        // Going on would be refused as well, at once and for ever.
        this.stop()
        this.#ledger.fail(`Number ${number} of ${this.#name} was refused: ${error}`)
      },
    )
  }

  #settled(publish: Publish): void {
    this.#open.delete(publish)
    this.#ledger.changed()
    if (!this.#stopped && this.#open.size <= this.#waitsFor) this.#burst()
  }
}
