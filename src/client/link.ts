import { RotundaError } from '../protocol/errors.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection/connection.ts'
import { fits } from './connection/frames.ts'
import type { Settings } from './options.ts'

/** The connection as the client's parts use it: sending, limits, references, time. */
export class Link {
  readonly settings: Settings
  readonly clock: Clock
  readonly #connection: Connection
  #references = 0

  constructor(settings: Settings, clock: Clock, connection: Connection) {
    this.settings = settings
    this.clock = clock
    this.#connection = connection
  }

  get isOpen(): boolean {
    return this.#connection.state === 'open'
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#connection.bufferedAmount
  }

  /** A reference that no other request of this client has. */
  reference(): string {
    return String(++this.#references)
  }

  /** Sends an encoded envelope; false when there is no connection. */
  send(text: string): boolean {
    return this.#connection.send(text)
  }

  /** What the server would close the connection for, as an error; undefined for what it takes, as far as is known. */
  tooBig(text: string): RotundaError | undefined {
    const most = this.#connection.welcome?.maxMessageSize ?? Infinity
    if (fits(text, most)) return undefined
    return new RotundaError('message_too_big', `The message is larger than the server's limit of ${most} bytes.`)
  }
}
