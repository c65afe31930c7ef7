import type { RotundaError } from '../../protocol/rotunda_error.ts'
import { Backoff } from '../connection/backoff.ts'
import type { Caller, Outbox } from '../outbox.ts'

/** What we want to be shown as; undefined for not at all. */
export type Wanted = { readonly state: unknown } | undefined

/**
 * Tells the server what we want to be shown as. While it has not answered, of several states only the last is sent then;
 * what a lost connection left unanswered is sent on the next.
 */
export class OwnState {
  /** Who the server says we are; undefined before it did. */
  member: string | undefined
  wanted: Wanted
  readonly #room: string
  readonly #outbox: Outbox
  readonly #report: (error: unknown) => void
  readonly #backoff: Backoff
  #accepted: Wanted
  /** Those who wait for what is not sent yet. */
  #waiting: Caller[] = []
  #isSending = false
  #isJoined = false
  #cancelRetry = () => {}

  /** @param report Told what the server refuses, where nobody waits for it. */
  constructor(room: string, outbox: Outbox, report: (error: unknown) => void) {
    this.#room = room
    this.#outbox = outbox
    this.#report = report
    this.#backoff = new Backoff(outbox.connection.clock.random)
  }

  /** Wants something else; the caller learns when that, or what is wanted later, is so. */
  want(wanted: Wanted, caller: Caller): void {
    this.wanted = wanted
    this.#waiting.push(caller)
    this.#send()
  }

  /** The room is joined: says it, where there is something to say. */
  joined(): void {
    this.#isJoined = true
    if (this.wanted || this.#waiting.length > 0) this.#send()
  }

  /** The room is not joined any more. */
  parted(): void {
    this.#isJoined = false
    this.#cancelRetry()
  }

  /** Nothing is sent any more. */
  end(error: RotundaError): void {
    this.parted()
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #send(): void {
    if (this.#isSending || !this.#isJoined) return
    this.#isSending = true
    this.#cancelRetry()
    const { wanted } = this
    const waiting = this.#waiting.splice(0)
    const type = wanted ? 'presence.set' : 'presence.clear'
    const done = () => {
      this.#isSending = false
      if (this.#waiting.length > 0) this.#send()
    }
    const resolve = (payload: unknown) => {
      this.#accepted = wanted
      this.#backoff.reset()
      if (wanted) this.member = (payload as { member: string }).member
      for (const caller of waiting) caller.resolve(undefined)
      done()
    }
    const reject = (error: RotundaError) => {
      if (error.retryable) {
        // Not known, or not now: whoever waits goes on waiting.
        this.#waiting.unshift(...waiting)
        this.#isSending = false
        if (this.#isJoined) this.#retry()
        return
      }
      if (error.code !== 'closed' && this.wanted === wanted) this.wanted = this.#accepted
      for (const caller of waiting) caller.reject(error)
      if (waiting.length === 0 && error.code !== 'closed') this.#report(error)
      done()
    }
    this.#outbox.ask({ type, room: this.#room, payload: wanted ?? {} }, { resolve, reject }, { timeout: Infinity })
  }

  #retry(): void {
    this.#cancelRetry = this.#outbox.connection.clock.after(this.#backoff.next(), () => this.#send())
  }
}
