import type { Executor } from '../hub/mod.ts'
import type { StreamPeer } from './stream_peer.ts'

/** Beats at which a stream may have its turn, so that not all of them have it at once. */
const SLOTS = 16

/** The streams of a node, each of which hears something at least every so often. */
export class Streams {
  readonly #slots: readonly Set<StreamPeer>[] = Array.from({ length: SLOTS }, () => new Set<StreamPeer>())
  readonly #executor: Executor
  readonly #heartbeat: number
  #added = 0
  #beats = 0
  #stop: (() => void) | undefined

  /** @param heartbeat Longest silence, in milliseconds. */
  constructor(executor: Executor, heartbeat: number) {
    this.#executor = executor
    this.#heartbeat = heartbeat
  }

  get size(): number {
    return this.#slots.reduce((size, slot) => size + slot.size, 0)
  }

  add(stream: StreamPeer): void {
    this.#slots[this.#added++ % SLOTS]!.add(stream)
    // A stream that fell silent right after its turn is quiet for two turns.
    this.#stop ??= this.#executor.every(this.#heartbeat / 2 / SLOTS, () => this.#beat())
  }

  delete(stream: StreamPeer): void {
    for (const slot of this.#slots) slot.delete(stream)
    if (this.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }

  #beat(): void {
    const now = Date.now()
    for (const stream of this.#slots[this.#beats++ % SLOTS]!) stream.beat(now)
  }
}
