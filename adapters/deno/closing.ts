/** How often a closing socket is looked at, in milliseconds. */
const LOOK = 10
/** How many looks in a row must find it quiet; more of a client that was heard since, which may only have paused. */
const QUIET = 3
const QUIET_AFTER_TALK = 10

/**
 * The closing of one of Deno's sockets. Once `close` was called, Deno answers the client's next frame by dropping the
 * connection, with what still waits to be sent and the close frame itself. So it is called when the client has nothing
 * more to say and everything was sent, or at the latest when the hub gives up.
 */
export class Closing {
  readonly code: number
  readonly reason: string
  readonly #socket: WebSocket
  readonly #timer: ReturnType<typeof setInterval>
  #quiet = 0
  #enough = QUIET

  constructor(socket: WebSocket, code: number, reason: string) {
    this.code = code
    this.reason = reason
    this.#socket = socket
    this.#timer = setInterval(() => this.#look(), LOOK)
  }

  /** The client has said something. */
  heard(): void {
    this.#quiet = 0
    this.#enough = QUIET_AFTER_TALK
  }

  /** Waits no longer; also when the connection is over. */
  finish(): void {
    clearInterval(this.#timer)
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(this.code, this.reason)
  }

  #look(): void {
    this.#quiet = this.#socket.bufferedAmount > 0 ? 0 : this.#quiet + 1
    if (this.#quiet >= this.#enough || this.#socket.readyState !== WebSocket.OPEN) this.finish()
  }
}
