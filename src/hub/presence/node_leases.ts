import type { Executor } from '../executor.ts'
import type { Sender } from './node_messages.ts'

/** What is done about nodes as time goes by. */
export interface LeaseEvents {
  tick(): void
  /** It is time to be heard of. */
  beat(): void
  /** A node has not been heard of for long: asked now, it may still answer in time. */
  probe(instance: string): void
  /** A node has not been heard of for the whole lease. */
  lost(instance: string): void
}

/** A lease in ticks. Silence is counted in ticks of ours, so that our own standing still does not look like silence. */
const LEASE = 15
const BEAT = 5
const PROBE = 12

/** Which other nodes live: those that were heard of within the lease. */
export class NodeLeases {
  /** Milliseconds of one tick. */
  readonly tick: number
  /** Ends the counting. */
  readonly stop: () => void
  readonly #events: LeaseEvents
  readonly #nodes = new Map<string, { readonly node: string; silence: number }>()
  #ticks = 0

  constructor(executor: Executor, lease: number, events: LeaseEvents) {
    this.#events = events
    this.tick = lease / LEASE
    this.stop = executor.every(this.tick, () => this.#count())
  }

  /** The instances that live. */
  get nodes(): string[] {
    return [...this.#nodes.keys()]
  }

  /**
   * Something was heard of a node. True when that was not known.
   * @param grace Milliseconds left to other instances of the same node, of which this one is the successor.
   */
  heard({ node, instance }: Sender, grace: number): boolean {
    const known = this.#nodes.get(instance)
    if (known !== undefined) {
      known.silence = 0
      return false
    }
    for (const [other, { node: name }] of this.#nodes) if (name === node) this.shorten(other, grace)
    this.#nodes.set(instance, { node, silence: 0 })
    return true
  }

  /** Unless heard of again, a node has so many milliseconds left, and at most a tick more. */
  shorten(instance: string, milliseconds: number): void {
    const known = this.#nodes.get(instance)
    if (known !== undefined) known.silence = Math.max(known.silence, LEASE - 1 - Math.ceil(milliseconds / this.tick))
  }

  #count(): void {
    this.#events.tick()
    for (const [instance, known] of this.#nodes) {
      known.silence += 1
      if (known.silence === PROBE) this.#events.probe(instance)
      if (known.silence < LEASE) continue
      this.#nodes.delete(instance)
      this.#events.lost(instance)
    }
    if (++this.#ticks % BEAT === 0) this.#events.beat()
  }
}
