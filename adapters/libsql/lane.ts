import { RotundaError } from '../../src/protocol/mod.ts'
import type { Connection } from './connection.ts'

/** A connection that can tell that it will not work again. */
export interface Lasting extends Connection {
  readonly stopped?: boolean
}

/** One connection, opened when first needed and again after it died. */
export class Lane {
  #open: () => Promise<Lasting>
  #epoch: string | undefined
  #opening: Promise<Lasting> | undefined
  #connection: Lasting | undefined

  constructor(open: () => Promise<Lasting>, epoch?: string) {
    this.#open = open
    this.#epoch = epoch
  }

  /** The working connection. Rejects when it cannot be opened, or when another database is now in its place. */
  connection(): Lasting | Promise<Lasting> {
    if (this.#connection !== undefined && !this.#connection.stopped) return this.#connection
    this.#opening ??= this.#reopen().finally(() => this.#opening = undefined)
    return this.#opening
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    await this.#connection?.close()
  }

  async #reopen(): Promise<Lasting> {
    this.#connection = undefined
    const connection = await this.#open()
    this.#epoch ??= connection.epoch
    if (connection.epoch !== this.#epoch) {
      await connection.close()
      throw new RotundaError(
        'store_unavailable',
        `The database was replaced while it was in use: its epoch was ${this.#epoch} and is ${connection.epoch}. ` +
          'Restart the server to serve the new one.',
      )
    }
    this.#connection = connection
    return connection
  }
}
