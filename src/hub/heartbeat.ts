import type { ErrorCode } from '../protocol/errors.ts'
import type { Executor } from './executor.ts'
import type { Limits } from './limits.ts'
import type { Peer } from './peer.ts'

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
  /** Ends the rhythm. */
  readonly stop: () => void

  constructor(
    connections: ReadonlyMap<string, Watched>,
    limits: Pick<Limits, 'pingInterval' | 'pongTimeout' | 'idleTimeout'>,
    executor: Executor,
  ) {
    this.#connections = connections
    this.#pingInterval = limits.pingInterval * 1000
    this.#pongTimeout = limits.pongTimeout * 1000
    this.#idleTimeout = limits.idleTimeout * 1000
    const shortest = Math.min(...[this.#pingInterval, this.#pongTimeout, this.#idleTimeout].filter((time) => time > 0))
    this.stop = executor.every(Math.max(10, Math.min(1_000, shortest / 4)), () => this.#beat(Date.now()))
  }

  #beat(now: number): void {
    for (const connection of this.#connections.values()) {
      if (connection.isUsable) this.#check(connection, now)
      else if (now - connection.closingAt > CLOSING_GRACE) connection.peer.terminate()
    }
  }

  #check(connection: Watched, now: number): void {
    const { lastPingAt, lastReceivedAt, peer } = connection
    const answersUnseen = peer.pingsItself === true && this.#pingInterval > 0 && this.#pingInterval < this.#idleTimeout
    if (this.#idleTimeout > 0 && !answersUnseen && now - lastReceivedAt >= this.#idleTimeout) {
      return connection.closeFor('idle_timeout', `Nothing arrived for ${this.#idleTimeout / 1000} s.`)
    }
    if (this.#pingInterval === 0 || peer.ping === undefined) return
    const owesPong = connection.lastPongAt < lastPingAt
    if (owesPong && now - lastPingAt >= this.#pongTimeout) {
      return connection.closeFor('pong_timeout', `No pong within ${this.#pongTimeout / 1000} s.`)
    }
    if (!owesPong && now - lastPingAt >= this.#pingInterval) {
      connection.lastPingAt = now
      peer.ping()
    }
  }
}
