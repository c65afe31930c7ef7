import type { JoinRequest } from '../protocol/reserved.ts'
import type { Connection } from './connection.ts'

/** Joins of a room that wait for the store; a connection may have several, the application's among them. */
export class PendingJoins {
  readonly #requests = new Map<Connection, Set<JoinRequest>>()

  /** How many connections have any. */
  get size(): number {
    return this.#requests.size
  }

  /**
   * Waits for what a join needs.
   * @param then Called unless the connection has left in the meantime.
   */
  async add<T>(
    connection: Connection,
    request: JoinRequest,
    needed: Promise<T>,
    then: (value: T) => void,
  ): Promise<void> {
    const requests = this.#requests.get(connection) ?? new Set()
    this.#requests.set(connection, requests.add(request))
    try {
      const value = await needed
      if (this.#requests.get(connection) === requests) then(value)
    } finally {
      requests.delete(request)
      if (requests.size === 0 && this.#requests.get(connection) === requests) this.#requests.delete(connection)
    }
  }

  /** The connection leaves: what waits comes to nothing. */
  drop(connection: Connection): void {
    this.#requests.delete(connection)
  }
}
