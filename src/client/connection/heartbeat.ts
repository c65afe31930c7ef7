import type { Clock } from '../clock.ts'

/** How a silent connection is noticed, in milliseconds. */
export interface HeartbeatOptions {
  /** Silence after which the server is asked for a sign of life; 0 turns the heartbeat off. Default 30,000. */
  readonly interval: number
  /** How long it may take to answer. Default 10,000. */
  readonly timeout: number
}

/** A timer this late was held back: by a throttled tab, a blocked thread or a sleeping machine. */
const LATE = 1_000
/** So many without an answer are enough, also where each timer was held back: then what comes late is not the answer. */
const QUESTIONS = 3

/**
 * Finds out whether a connection is dead. Silence counts only while we were awake to hear: after a timer that came
 * late the server is asked again, since its answer may be waiting behind that very timer.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  readonly #clock: Clock
  readonly #ping: () => void
  readonly #dead: () => void
  #receivedAt = 0
  /** Questions since something was received. */
  #asked = 0
  #cancel = () => {}

  constructor(options: HeartbeatOptions, clock: Clock, ping: () => void, dead: () => void) {
    this.#options = options
    this.#clock = clock
    this.#ping = ping
    this.#dead = dead
  }

  /** Begins to listen; what opened the connection was `received` before. */
  start(): void {
    if (this.#options.interval) this.#listen()
  }

  /** Something arrived, whatever it was. */
  received(): void {
    this.#receivedAt = this.#clock.now()
    if (this.#asked) this.#listen()
  }

  /** Asks now, since what was heard last may be of long ago; also where it has asked, since that may be, too. */
  check(): void {
    if (this.#options.interval && this.#asked < QUESTIONS) this.#ask()
  }

  stop(): void {
    this.#asked = 0
    this.#cancel()
  }

  #listen(): void {
    const { interval } = this.#options
    this.#asked = 0
    // A clock that was set back must not make the silence negative.
    const silence = Math.max(0, this.#clock.now() - this.#receivedAt)
    if (silence >= interval) this.#ask()
    else this.#wait(interval - silence, () => this.#listen())
  }

  #ask(): void {
    this.#asked += 1
    this.#ping()
    this.#wait(this.#options.timeout, (late) => {
      if (late > LATE && this.#asked < QUESTIONS) this.#ask()
      else this.#dead()
    })
  }

  #wait(milliseconds: number, then: (late: number) => void): void {
    this.#cancel()
    const planned = this.#clock.now() + milliseconds
    this.#cancel = this.#clock.after(milliseconds, () => then(this.#clock.now() - planned))
  }
}
