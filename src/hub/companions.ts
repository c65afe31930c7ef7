import { RotundaError } from '../protocol/errors.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'

/** What has connections of its own beside a hub's sessions, and lives as long as the hub: a raw service. */
export interface Companion {
  readonly limits: Pick<Limits, 'maxMessageSize' | 'hardLimit'>
  /** Connections it has; they count towards the hub's `maxConnections`. */
  readonly size: number
  /** Closes every connection with 1001; resolves when none is left. */
  close(): Promise<void>
  /** Ends what is left of connections without a handshake, and whatever goes on by itself. */
  terminate(): void
}

/** The companions of one hub. */
export class Companions {
  /** Owns their background work. */
  readonly executor: Executor
  readonly #hub: Companion['limits']
  readonly #all = new Set<Companion>()
  #closing = false

  constructor(executor: Executor, hub: Companion['limits']) {
    this.executor = executor
    this.#hub = hub
  }

  /** @throws {RotundaError} `shutting_down` when the hub is being closed. */
  add(companion: Companion): void {
    if (this.#closing) throw new RotundaError('shutting_down', 'The hub is being closed; nothing can join it.')
    this.#all.add(companion)
  }

  /** Connections that all of them have. */
  get size(): number {
    let size = 0
    for (const companion of this.#all) size += companion.size
    return size
  }

  /** The largest limits of the hub and its companions, for a transport that has one for all of its connections. */
  get largest(): Companion['limits'] {
    let { maxMessageSize, hardLimit } = this.#hub
    for (const { limits } of this.#all) {
      maxMessageSize = Math.max(maxMessageSize, limits.maxMessageSize)
      hardLimit = Math.max(hardLimit, limits.hardLimit)
    }
    return { maxMessageSize, hardLimit }
  }

  async close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#all].map((companion) => companion.close()))
  }

  terminate(): void {
    for (const companion of this.#all) companion.terminate()
  }
}
