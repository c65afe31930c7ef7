import type { Envelope } from '../protocol/envelope.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import { abortedError, closedError } from './answers.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection/connection.ts'
import { fits } from './connection/frames.ts'
import type { Settings } from './options.ts'

/** The connection as the client's parts use it: sending, limits, references, time. */
export class Link {
  readonly settings: Settings
  readonly clock: Clock
  /** Nothing is taken any more, until the application connects again. */
  isEnded = false
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

  /**
   * An envelope as text that the server takes.
   * @throws {RotundaError} `message_too_big`, or `invalid_payload` for what JSON cannot say.
   */
  encode(envelope: Envelope): string {
    let text: string
    try {
      text = JSON.stringify(envelope)
    } catch (cause) {
      throw new RotundaError('invalid_payload', 'payload: cannot be written as JSON', { cause })
    }
    const error = this.tooBig(text)
    if (error !== undefined) throw error
    return text
  }

  /** Why the server would close the connection over this; undefined for what it takes, as far as is known. */
  tooBig(text: string): RotundaError | undefined {
    const most = this.#connection.welcome?.maxMessageSize ?? Infinity
    if (fits(text, most)) return undefined
    return new RotundaError('message_too_big', `The message is larger than the server's limit of ${most} bytes.`)
  }

  /** @throws {RotundaError} `closed`, `aborted`, or `queue_full` where so many wait already. */
  admit(waiting: number, signal: AbortSignal | undefined): void {
    const { maxQueue } = this.settings
    if (this.isEnded) throw closedError()
    if (signal?.aborted) throw abortedError(signal)
    if (waiting >= maxQueue) throw new RotundaError('queue_full', `${maxQueue} calls wait already.`)
  }
}
