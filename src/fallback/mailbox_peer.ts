import { CLOSE } from '../protocol/close_codes.ts'
import type { Frame } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Connection, Host, Limits, Peer, SendResult } from '../hub/mod.ts'
import type { Caller } from './caller.ts'
import { EnvelopeFrame, ENVELOPES, rawFrame } from './envelope_frame.ts'
import { HTTP_HOST } from './http_host.ts'
import type { Letters, Mailbox } from './mailbox.ts'
import type { WaitingMailbox } from './waiting_mailbox.ts'

/** A session that is polled, as seen by the hub: what it is sent waits in its mailbox. */
export class MailboxPeer implements Peer {
  readonly host: Host = HTTP_HOST
  readonly remoteAddress: string
  readonly remotePort: number
  readonly transport = 'poll'
  /** Who judges whether it is still there is the sweep, by its polls. */
  readonly pingsItself = true
  /** Set when the hub has taken it over. */
  connection: Connection | undefined
  /** When it was last polled, in milliseconds since 1970. */
  polledAt: number = Date.now()
  readonly #mailbox: Mailbox
  readonly #limits: Pick<Limits, 'highWaterMark' | 'hardLimit'>
  #waiting: WaitingMailbox | undefined
  #isCongested = false
  #isOver = false

  constructor(caller: Caller, mailbox: Mailbox, limits: Pick<Limits, 'highWaterMark' | 'hardLimit'>) {
    this.remoteAddress = caller.address
    this.remotePort = caller.port
    this.#mailbox = mailbox
    this.#limits = limits
  }

  /** Whether the session has ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether nothing is left to be read. */
  get isEmpty(): boolean {
    return this.#mailbox.size === 0
  }

  get isPolled(): boolean {
    return this.#waiting !== undefined
  }

  /** A mailbox that was full is too much to read on into until half of it is read, however small what is in it. */
  get bufferedAmount(): number {
    const { highWaterMark, hardLimit } = this.#limits
    const { bytes } = this.#mailbox
    return this.#isCongested ? Math.max(bytes, Math.min(highWaterMark + 1, hardLimit)) : bytes
  }

  send(frame: Frame): SendResult {
    if (this.#isOver) return 'closed'
    this.#put(frame)
    this.#isCongested ||= this.#mailbox.isFull
    return this.#isCongested || this.#waiting === undefined ? 'buffered' : 'accepted'
  }

  close(code: number, reason: string): void {
    if (this.#isOver) return
    const payload = JSON.stringify({ code, reason })
    this.#put(ENVELOPES.codec.encode([{ type: 'session.closed', payload }]))
    this.#end(code, reason)
  }

  terminate(): void {
    if (!this.#isOver) this.#end(CLOSE.abnormal, '')
  }

  /**
   * Takes note of a poll, which ends one that still waits.
   * @param position What the reader has got.
   * @throws {RotundaError} `invalid_cursor`
   */
  polled(position: number | undefined): void {
    if (position !== undefined) this.#acknowledge(position)
    this.polledAt = Date.now()
    this.#waiting?.supersede()
  }

  /** A poll waits for something to read. */
  hold(waiting: WaitingMailbox): void {
    this.#waiting = waiting
  }

  /** It does not any more. */
  release(waiting: WaitingMailbox): void {
    this.polledAt = Date.now()
    if (this.#waiting === waiting) this.#waiting = undefined
  }

  /**
   * Gives what waits.
   * @param position As in the poll; without it, the reader is taken to get what it is given.
   */
  read(position: number | undefined, max: number): Letters {
    const letters = this.#mailbox.read(max)
    if (position === undefined) this.#acknowledge(letters.position)
    return letters
  }

  /** Forgets what is left: nobody will read it. */
  clear(): void {
    this.#mailbox.clear()
  }

  #put(frame: Frame): void {
    if (frame instanceof EnvelopeFrame) this.#mailbox.put(frame, frame.isLossy)
    else this.#mailbox.put(rawFrame(frame), true)
    this.#waiting?.end()
  }

  #acknowledge(position: number): void {
    if (!this.#mailbox.has(position)) {
      throw new RotundaError('invalid_cursor', `${position} is not a cursor of this session's mailbox.`)
    }
    this.#mailbox.acknowledge(position)
    if (!this.#mailbox.isHalfEmpty) return
    this.#isCongested = false
    this.connection?.drained()
  }

  #end(code: number, reason: string): void {
    this.#isOver = true
    this.#waiting?.end()
    queueMicrotask(() => this.connection?.closed(code, reason))
  }
}
