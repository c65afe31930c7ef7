import { RotundaError } from '../protocol/errors.ts'
import type { SendResult } from '../hub/mod.ts'
import type { RawHandlers } from './handlers.ts'
import type { Link } from './link.ts'
import type { RawMode } from './outgoing.ts'
import { read, type ReadOptions, readOrEnd } from './reading.ts'

/** Bytes that a ping frame can carry. */
const MAX_PING = 125

/** Frames, bytes and times of one connection. Times are milliseconds since 1970. */
export interface RawMetrics {
  readonly framesIn: number
  readonly bytesIn: number
  readonly framesOut: number
  readonly bytesOut: number
  readonly connectedAt: number
  /** When anything last arrived; the time of connecting when nothing did, as with the others. */
  readonly lastReceivedAt: number
  readonly lastPingAt: number
  readonly lastPongAt: number
}

/**
 * A client of a raw service: frames as they are, nothing of rotunda's protocol. The same object for the connection's
 * whole life.
 *
 * A text frame arrives as a string, a binary one as bytes. A frame goes to who waits in `read` or a `for await` loop,
 * else to the `onData` handlers, else it is kept for either: at most `maxInboundQueue` frames and `maxInboundBytes`, or
 * the connection is closed with 4003. When the client has left, what it sent before can still be read; once this side
 * closes, what waits is dropped.
 *
 * What a handler throws or rejects with ends the connection: a RotundaError with its close code and message, anything
 * else with 1011. It is told to `onError` of the connection, or where that has no handler, and it is no RotundaError, to
 * the hub's.
 */
export class RawConnection<M = unknown> implements AsyncIterable<string | Uint8Array> {
  readonly #link: Link<M>
  /** The application's own data about this client, as made by the service's `metadata` option. */
  metadata: M
  /** The subprotocol that was chosen for it. */
  readonly subprotocol: string | undefined

  constructor(link: Link<M>, start: { readonly subprotocol: string | undefined; readonly metadata: M }) {
    this.#link = link
    this.metadata = start.metadata
    this.subprotocol = start.subprotocol
  }

  /** Unique id, a UUID. */
  get id(): string {
    return this.#link.id
  }

  get remoteAddress(): string {
    return this.#link.peer.remoteAddress
  }

  /** 0 when the transport does not tell. */
  get remotePort(): number {
    return this.#link.peer.remotePort
  }

  /** Milliseconds since 1970. */
  get connectedAt(): number {
    return this.#link.connectedAt
  }

  get state(): 'open' | 'closing' | 'closed' {
    return this.#link.state
  }

  /** Bytes sent to this client that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#link.peer.bufferedAmount
  }

  get metrics(): RawMetrics {
    const { counts, connectedAt, lastReceivedAt, lastPingAt, lastPongAt } = this.#link
    return { ...counts, connectedAt, lastReceivedAt, lastPingAt, lastPongAt }
  }

  /**
   * Called with each frame that nobody reads, in the order of arrival. The next one does not wait for what is returned:
   * to take one after the other, use `for await`. Frames whose handling has not ended count as waiting.
   */
  onData(handler: RawHandlers<M>['data']): () => void {
    const remove = this.#link.handlers.add('data', handler)
    this.#link.flush()
    return remove
  }

  /**
   * Called once when the connection is over, with the code and reason of who closed it: 1006 when it broke. Where it is
   * over already, called soon.
   */
  onClose(handler: RawHandlers<M>['close']): () => void {
    const link = this.#link
    const remove = link.handlers.add('close', handler)
    if (link.state !== 'closed') return remove
    let removed = false
    queueMicrotask(() => {
      const { code = 0, reason = '' } = link.end ?? {}
      if (!removed) void link.run(() => handler(this, code, reason))
    })
    return () => {
      removed = true
      remove()
    }
  }

  /** Called with what a handler of this connection threw; it is being closed then. */
  onError(handler: RawHandlers<M>['error']): () => void {
    return this.#link.handlers.add('error', handler)
  }

  /** Called when the client has taken so much that sending may go on, after `send` said `buffered`; see `drained`. */
  onDrain(handler: RawHandlers<M>['drain']): () => void {
    return this.#link.handlers.add('drain', handler)
  }

  /** Called when a ping of the client arrived, where the transport tells. It is answered already. */
  onPing(handler: RawHandlers<M>['ping']): () => void {
    return this.#link.handlers.add('ping', handler)
  }

  /** Called when a pong arrived, where the transport tells. */
  onPong(handler: RawHandlers<M>['pong']): () => void {
    return this.#link.handlers.add('pong', handler)
  }

  /**
   * The next frame. Reads that wait at the same time are served in the order they were asked.
   * @throws {RotundaError} `timeout`, `aborted`, `closed` when there is no more to come, `invalid_config` for a timeout
   * that is none.
   * @example
   * ```ts
   * const hello = await connection.read({ timeout: 5_000 })
   * ```
   */
  read(options: ReadOptions = {}): Promise<string | Uint8Array> {
    return read(this.#link, options)
  }

  /** Frames one after the other, until there is no more to come. Leaving the loop does not close the connection. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array, void, undefined> {
    for (let frame = await readOrEnd(this.#link); frame !== undefined; frame = await readOrEnd(this.#link)) yield frame
  }

  /** Which kind of frame `send` makes. Binary, until `setText` is called. */
  get mode(): RawMode {
    return this.#link.mode
  }

  /** From now on data is sent in binary frames: bytes as they are, strings as UTF-8. */
  setBinary(): void {
    this.#link.mode = 'binary'
  }

  /** From now on data is sent in text frames: strings as they are, bytes as the UTF-8 that they must be. */
  setText(): void {
    this.#link.mode = 'text'
  }

  /**
   * Sends one frame, of the kind chosen last. Bytes must not be changed afterwards.
   *
   * `accepted`: on its way. `buffered`: too, but more than `highWaterMark` bytes wait; hold on until `drained`.
   * `closed`: the connection is over, or this made more than `hardLimit` wait and it is closed with 4002.
   * @throws {RotundaError} `invalid_payload` for bytes that are not UTF-8 in a text frame; nothing is sent.
   * @example
   * ```ts
   * if (connection.send(chunk) === 'buffered') await connection.drained()
   * ```
   */
  send(data: string | Uint8Array): SendResult {
    return this.#link.send(data)
  }

  /** Resolves when sending may go on, at once where nothing keeps it from that; or when the connection is over. */
  drained(): Promise<void> {
    const { handlers, isCongested } = this.#link
    if (!isCongested) return Promise.resolve()
    return new Promise((resolve) => {
      const remove = [handlers.add('drain', done), handlers.add('close', done)]
      function done(): void {
        for (const each of remove) each()
        resolve()
      }
    })
  }

  /**
   * Sends a ping frame; false where the transport has none. Its pong sets `metrics.lastPongAt`.
   * @param data At most 125 bytes.
   * @throws {RotundaError} `invalid_payload` for more.
   */
  ping(data?: Uint8Array): boolean {
    if (data !== undefined && data.byteLength > MAX_PING) {
      throw new RotundaError('invalid_payload', `A ping has ${data.byteLength} bytes; it may carry ${MAX_PING}.`)
    }
    const { peer } = this.#link
    if (peer.ping === undefined || !this.#link.isUsable) return false
    this.#link.lastPingAt = Date.now()
    peer.ping(data)
    return true
  }

  /**
   * Starts the closing handshake; `onClose` handlers run when it is done. What waits to be read is dropped.
   * @param code 1000 to 1014 or 3000 to 4999, 1000 when absent.
   * @param reason Cut to the 123 bytes that a close frame can carry.
   * @throws {RotundaError} `invalid_config` for a code that must not be sent.
   */
  close(code = 1000, reason = ''): void {
    this.#link.close(code, reason)
  }
}
