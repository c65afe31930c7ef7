import type { Addition } from '../../src/client/mod.ts'
import { Random } from '../support/random.ts'
import { check, checkOrder, type Violation } from './checker.ts'
import { Clients } from './clients.ts'
import type { Content } from './database.ts'
import { Ledger } from './ledger.ts'
import { Publisher } from './publisher.ts'
import { type Habit, Subscriber } from './subscriber.ts'

const ROOMS = ['africa', 'asia ⛰', 'x']
const HABITS: readonly Habit[] = ['stays', 'comes back', 'leaves rooms', 'starts anew']

/** Four publishers and four subscribers of one server. */
export class Scene {
  readonly ledger: Ledger = new Ledger()
  readonly clients: Clients
  readonly #random: Random
  readonly #publishers: Publisher[]
  readonly #subscribers: Subscriber[]

  /** @param use What each client is made with. */
  constructor(port: number, seed: number, use?: () => readonly Addition[]) {
    const random = this.#random = new Random(seed)
    this.clients = new Clients(port, this.ledger, use)
    const own = () => new Random(random.whole(0, 2 ** 32))
    this.#subscribers = HABITS.map((habit, index) =>
      new Subscriber(`s${index + 1}`, ROOMS, habit, own(), this.clients, this.ledger)
    )
    this.#publishers = [1, 2, 3, 4].map((number) =>
      new Publisher(`p${number}`, ROOMS.slice(number % 2), own(), this.clients, this.ledger)
    )
  }

  /** Each subscriber does what is its habit, with this probability; publishers less often. */
  act(probability: number): void {
    for (const subscriber of this.#subscribers) if (this.#random.chance(probability)) subscriber.act()
    for (const publisher of this.#publishers) if (this.#random.chance(probability / 4)) publisher.restart()
  }

  /** Resolves when so many more messages were acknowledged. */
  acknowledged(more: number): Promise<void> {
    const enough = this.ledger.acks + more
    return this.ledger.when(`${more} more messages are acknowledged`, () => this.ledger.acks >= enough)
  }

  /** Ends the publishing; resolves when all is acknowledged and every subscriber has read to the end. */
  async flush(): Promise<void> {
    for (const publisher of this.#publishers) publisher.stop()
    await this.ledger.when('all is acknowledged', () => this.#publishers.every(({ isFlushed }) => isFlushed))
    const heads = this.ledger.heads()
    const behind = () => this.#subscribers.flatMap((subscriber) => subscriber.behind(heads))
    await this.ledger.when('all is read', () => behind().length === 0)
      .catch((error) => Promise.reject(new Error(`${error.message} Behind: ${behind().join(', ')}`)))
  }

  /** What is wrong at the end. */
  violations(content: Content): { broken: Violation[]; reordered: Violation[] } {
    const { publishes, readings } = this.ledger
    return { broken: check({ publishes, readings, ...content }), reordered: checkOrder(publishes, content.rows) }
  }

  close(): void {
    this.clients.closeAll()
  }
}
