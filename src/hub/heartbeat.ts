import type { ErrorCode } from '../protocol/errors.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import type { Peer } from './peer.ts'
import { costOfSending, Turns } from './turns.ts'

/** Of ending a connection; a ping costs less. */
const COST = costOfSending(2, 0)

/** How long a peer may take to finish the closing handshake, in milliseconds. */
const CLOSING_GRACE = 5_000

/** A connection as its heartbeat sees it. Times are milliseconds since 1970. */
export interface Watched {
  readonly peer: Pick<Peer, 'ping' | 'pingsItself' | 'terminate'>
  /** Whether frames may still pass. */
  readonly isUsable: boolean
  readonly lastReceivedAt: number
  readonly lastPongAt: number
  lastPingAt: number
  /** When closing began. */
  readonly closingAt: number
  closeFor(code: ErrorCode, message: string): void
}

/** Pings every connection in its own rhythm and ends those that are silent. */
export class Heartbeat {
  readonly #connections: ReadonlyMap<string, Watched>
  readonly #pingInterval: number
  readonly #pongTimeout: number
  readonly #idleTimeout: number
  readonly #turns: Turns
  #isBeating = false
  /** Ends the rhythm. */
  readonly stop: () => void

  constructor(
    connections: ReadonlyMap<string, Watched>,
    limits: Pick<Limits, 'pingInterval' | 'pongTimeout' | 'idleTimeout'>,
    executor: Executor,
    turns: Turns = new Turns(),
  ) {
    this.#connections = connections
    this.#turns = turns
    this.#pingInterval = limits.pingInterval * 1000
    this.#pongTimeout = limits.pongTimeout * 1000
    this.#idleTimeout = limits.idleTimeout * 1000
    const shortest = Math.min(...[this.#pingInterval, this.#pongTimeout, this.#idleTimeout].filter((time) => time > 0))
    this.stop = executor.every(Math.max(10, Math.min(1_000, shortest / 4)), () => {
      if (!this.#isBeating) void executor.track(this.#beat())
    })
  }

  /** Those who came together are pinged, and ended, together: that may be thousands. */
  async #beat(): Promise<void> {
    this.#isBeating = true
    try {
      for (const [id, connection] of this.#connections) {
        if (this.#due(connection) === undefined) continue
        const turn = this.#turns.pass(COST)
        if (turn !== undefined) await turn
        if (this.#connections.get(id) === connection) this.#due(connection)?.()
      }
    } finally {
      this.#isBeating = false
    }
  }

  /** What is to be done to a connection now. */
  #due(connection: Watched, now = Date.now()): (() => void) | undefined {
    const { lastPingAt, lastReceivedAt, peer } = connection
    if (!connection.isUsable) {
      return now - connection.closingAt > CLOSING_GRACE ? () => peer.terminate() : undefined
    }
    const answersUnseen = peer.pingsItself === true && this.#pingInterval > 0 && this.#pingInterval < this.#idleTimeout
    if (this.#idleTimeout > 0 && !answersUnseen && now - lastReceivedAt >= this.#idleTimeout) {
      return () => connection.closeFor('idle_timeout', `Nothing arrived for ${this.#idleTimeout / 1000} s.`)
    }
    if (this.#pingInterval === 0 || peer.ping === undefined) return undefined
    const owesPong = connection.lastPongAt < lastPingAt
    if (owesPong && now - lastPingAt >= this.#pongTimeout) {
      return () => connection.closeFor('pong_timeout', `No pong within ${this.#pongTimeout / 1000} s.`)
    }
    if (owesPong || now - lastPingAt < this.#pingInterval) return undefined
    return () => {
      connection.lastPingAt = now
      peer.ping?.()
    }
  }
}
