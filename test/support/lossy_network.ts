import type { Broker } from '../../src/mod.ts'
import type { FakeExecutor } from './fake_executor.ts'
import type { Random } from './random.ts'

/** What the network does to messages. */
export interface Weather {
  /** Chance that a message does not arrive. */
  readonly loss: number
  /** Chance that it arrives twice. */
  readonly repeats: number
  /** Milliseconds that it takes at most; each takes its own time, so they overtake each other. */
  readonly delay: number
}

export const FINE: Weather = { loss: 0, repeats: 0, delay: 0 }

interface Subscription {
  readonly topic: string
  readonly handler: (bytes: Uint8Array) => void
}

/** A broker that keeps no more than its promise: at most once would already be good. */
export class LossyNetwork {
  weather: Weather = FINE
  /** Messages that each node was given so far. */
  readonly delivered: Map<string, number> = new Map()
  readonly #time: FakeExecutor
  readonly #random: Random
  readonly #nodes = new Map<string, Set<Subscription>>()

  constructor(time: FakeExecutor, random: Random) {
    this.#time = time
    this.#random = random
  }

  /** The network as one node sees it. */
  join(node: string): Broker {
    const subscriptions = new Set<Subscription>()
    this.#nodes.set(node, subscriptions)
    const isCut = () => this.#nodes.get(node) !== subscriptions
    return {
      publish: (topic, bytes) => {
        if (!isCut()) this.#send(topic, bytes)
      },
      subscribe: (topic, handler) => {
        const subscription = { topic, handler }
        subscriptions.add(subscription)
        return () => void subscriptions.delete(subscription)
      },
      close: () => {
        this.cut(node)
        return Promise.resolve()
      },
    }
  }

  /** A node is cut off, as by kill -9: it hears nothing and is not heard. */
  cut(node: string): void {
    this.#nodes.delete(node)
  }

  #send(topic: string, bytes: Uint8Array): void {
    const { loss, repeats, delay } = this.weather
    for (const [node, subscriptions] of this.#nodes) {
      for (const subscription of subscriptions) {
        if (subscription.topic !== topic || this.#random.chance(loss)) continue
        for (let times = this.#random.chance(repeats) ? 2 : 1; times > 0; times--) {
          this.#time.after(this.#random.whole(0, delay), () => {
            if (this.#nodes.get(node) !== subscriptions || !subscriptions.has(subscription)) return
            this.delivered.set(node, (this.delivered.get(node) ?? 0) + 1)
            subscription.handler(bytes)
          })
        }
      }
    }
  }
}
