import type { Envelope } from '../protocol/envelope.ts'
import type { RotundaError } from '../protocol/rotunda_error.ts'
import type { Ack } from '../protocol/reserved.ts'
import { abortedError, closedError, onAbort, readError } from './answers.ts'
import { Backoff } from './connection/backoff.ts'
import type { Link } from './link.ts'

/** A durable publish that is not acknowledged yet. */
interface Entry {
  /** The encoded envelope, the same whenever it is sent. */
  readonly text: string
  state: 'waiting' | 'sent' | 'failed'
  sentAt: number
  resolve(ack: Ack): void
  reject(error: RotundaError): void
  stopWatching(): void
}

/** Pauses before what the server could not store is sent again, in milliseconds. */
const RETRY = { base: 500, max: 30_000 }

/**
 * The durable publishes from the call to their ack, in the order of the calls. An entry keeps its place until it is
 * settled: after a lost connection, a missing ack or a retryable error everything that is not settled is sent again
 * from the front, under the same keys, so that one client's order is kept as far as the server lets it.
 */
export class PublishQueue {
  readonly #link: Link
  readonly #entries = new Map<string, Entry>()
  readonly #backoff: Backoff
  #sent = 0
  #failed = 0
  #scheduled = false
  /** Cancels the pause before a retry; undefined when there is none. */
  #cancelPause: (() => void) | undefined
  #cancelAckTimer: (() => void) | undefined

  constructor(link: Link) {
    this.#link = link
    this.#backoff = new Backoff(RETRY, link.clock.random)
  }

  // Async, so that what is thrown becomes the promise's rejection.
  // deno-lint-ignore require-await
  async add(envelope: Envelope, signal: AbortSignal | undefined): Promise<Ack> {
    this.#link.admit(this.#entries.size - this.#sent, signal)
    const ref = this.#link.reference()
    const text = this.#link.encode({ ...envelope, ref })
    const stopWatching = onAbort(signal, () => this.#settle(ref)?.reject(abortedError(signal!)))
    const { promise, resolve, reject } = Promise.withResolvers<Ack>()
    this.#entries.set(ref, { text, state: 'waiting', sentAt: 0, resolve, reject, stopWatching })
    this.#proceed()
    return promise
  }

  /** Takes an answer; false when it belongs to no publish. */
  answer(envelope: Envelope): boolean {
    const ref = envelope.ref ?? ''
    const entry = this.#entries.get(ref)
    if (entry === undefined) return false
    if (envelope.type === 'ack') {
      this.#backoff.reset()
      this.#settle(ref)
      const { id, seq } = envelope.payload as Ack
      entry.resolve({ id, seq })
      return true
    }
    const { error, retryable } = readError(envelope)
    if (!retryable) this.#settle(ref)?.reject(error)
    else {
      this.#fail(entry)
      this.#schedule()
    }
    return true
  }

  opened(): void {
    this.#proceed()
  }

  /** The connection is gone: what was on it goes back to its place. */
  disconnected(): void {
    this.#cancelTimers()
    for (const entry of this.#entries.values()) this.#move(entry, 'waiting')
  }

  closed(): void {
    this.#cancelTimers()
    for (const ref of [...this.#entries.keys()]) this.#settle(ref)?.reject(closedError())
  }

  #settle(ref: string): Entry | undefined {
    const entry = this.#entries.get(ref)
    if (entry === undefined) return undefined
    this.#entries.delete(ref)
    this.#move(entry, 'waiting')
    entry.stopWatching()
    this.#schedule()
    return entry
  }

  #move(entry: Entry, state: Entry['state']): void {
    if (entry.state === 'sent') this.#sent -= 1
    if (entry.state === 'failed') this.#failed -= 1
    if (state === 'sent') this.#sent += 1
    if (state === 'failed') this.#failed += 1
    entry.state = state
  }

  #fail(entry: Entry): void {
    // An error that comes late, for an attempt given up already, changes nothing.
    if (entry.state === 'sent') this.#move(entry, 'failed')
  }

  /** All answers of one frame count before anything more is sent: one of them may be a failure. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#proceed()
    })
  }

  #proceed(): void {
    if (this.#failed > 0) this.#pauseWhenSettled()
    else this.#pump()
  }

  #pump(): void {
    const { clock, settings } = this.#link
    if (!this.#link.isOpen) return
    for (const [ref, entry] of this.#entries) {
      if (this.#sent >= settings.maxInFlight) break
      if (entry.state !== 'waiting') continue
      const error = this.#link.tooBig(entry.text)
      if (error !== undefined) this.#settle(ref)?.reject(error)
      else if (this.#link.send(entry.text)) {
        this.#move(entry, 'sent')
        entry.sentAt = clock.now()
      }
    }
    this.#watchAcks()
  }

  /** Nothing new is sent once something failed; when the rest has its answer too, all goes on in the old order. */
  #pauseWhenSettled(): void {
    if (this.#sent > 0 || this.#cancelPause !== undefined) return
    this.#cancelPause = this.#link.clock.after(this.#backoff.next(), () => {
      this.#cancelPause = undefined
      for (const entry of this.#entries.values()) this.#move(entry, 'waiting')
      this.#pump()
    })
  }

  #watchAcks(): void {
    if (this.#cancelAckTimer !== undefined || this.#sent === 0) return
    const { clock, settings: { ackTimeout } } = this.#link
    let oldest = Infinity
    for (const { state, sentAt } of this.#entries.values()) {
      if (state === 'sent') oldest = Math.min(oldest, sentAt)
    }
    this.#cancelAckTimer = clock.after(Math.max(0, oldest + ackTimeout - clock.now()), () => {
      this.#cancelAckTimer = undefined
      const tooOld = clock.now() - ackTimeout
      for (const entry of this.#entries.values()) if (entry.sentAt <= tooOld) this.#fail(entry)
      this.#watchAcks()
      this.#schedule()
    })
  }

  #cancelTimers(): void {
    this.#cancelPause?.()
    this.#cancelAckTimer?.()
    this.#cancelPause = this.#cancelAckTimer = undefined
  }
}
