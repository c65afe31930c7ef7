import type { EncodedEnvelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { quote } from '../../protocol/names.ts'
import type { MailboxCounts } from '../mailbox.ts'
import { ENVELOPES } from '../envelope_frame.ts'
import type { Wait } from '../waits.ts'

/** A message that is kept here, or some of a room's log that are not: those with seq `from` to `to`. */
export type Entry =
  | { readonly position: number; readonly frame: Uint8Array; readonly room?: undefined }
  | { readonly position: number; readonly room: string; readonly from: number; readonly to: number }

/** Runs of log messages for each message that may be kept, before the oldest are forgotten. */
const RUNS = 16
/** Pollers whose position is kept by their name. */
const MAX_POLLERS = 1_000

/**
 * What was sent under one name, for any number of readers. Positions rise by one with every message. What is not durable
 * is kept up to a capacity, the oldest is dropped first; of what is durable only where it is in the log.
 */
export class SharedMailbox {
  readonly name: string
  /** Tells its positions from those of a mailbox that had its name before. */
  readonly nonce: string = crypto.randomUUID().slice(0, 8)
  /** Who waits for a message. */
  readonly waiting: Set<Wait> = new Set()
  usedAt: number = Date.now()
  readonly #capacity: number
  readonly #isWholeRoom: boolean
  readonly #counts: MailboxCounts
  readonly #pollers = new Map<string, number>()
  #entries: Entry[] = []
  #kept = 0
  #last = 0
  #forgotten = 0
  #seq: number | undefined

  /** @param isWholeRoom Whether it is for all that is durable in one room: what other nodes stored belongs to it too. */
  constructor(name: string, capacity: number, isWholeRoom: boolean, counts: MailboxCounts) {
    this.name = name
    this.#isWholeRoom = isWholeRoom
    this.#capacity = capacity
    this.#counts = counts
  }

  get last(): number {
    return this.#last
  }

  put(envelope: EncodedEnvelope): void {
    this.#counts.enqueued += 1
    this.#last += 1
    const { room, seq } = envelope
    if (seq === undefined || room === undefined) this.#keep(ENVELOPES.codec.encode([envelope]) as Uint8Array)
    else this.#refer(room, seq)
    for (const wait of this.waiting) wait.end()
  }

  /** What comes after a position. */
  after(position: number): readonly Entry[] {
    const first = this.#entries.findIndex((entry) => entry.position > position)
    return first < 0 ? [] : this.#entries.slice(first)
  }

  /** Whether something durable after a position cannot be found any more. */
  hasForgotten(position: number): boolean {
    return position < this.#forgotten
  }

  cursor(position: number): string {
    return `${this.nonce}.${position}`
  }

  /**
   * The position that a cursor of this mailbox means; undefined for one of a mailbox that had its name before.
   * @throws {RotundaError} `invalid_cursor`
   */
  positionOf(cursor: string): number | undefined {
    const [, nonce, digits] = /^([0-9a-f]{8})\.(\d{1,15})$/.exec(cursor) ?? []
    if (nonce !== undefined && nonce !== this.nonce) return undefined
    if (nonce !== undefined && Number(digits) <= this.#last) return Number(digits)
    throw new RotundaError('invalid_cursor', `${quote(cursor)} is not a cursor of mailbox ${quote(this.name)}.`)
  }

  /** Where a poller stands whose position is kept here by its name. */
  placeOf(poller: string): number {
    return this.#pollers.get(poller) ?? 0
  }

  movePoller(poller: string, position: number): void {
    this.#pollers.delete(poller)
    this.#pollers.set(poller, position)
    if (this.#pollers.size <= MAX_POLLERS) return
    const [oldest] = this.#pollers.keys()
    this.#pollers.delete(oldest!)
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.buffered -= this.#kept
    this.#kept = 0
    this.#entries = []
  }

  #keep(frame: Uint8Array): void {
    this.#entries.push({ position: this.#last, frame })
    this.#kept += 1
    this.#counts.buffered += 1
    if (this.#kept <= this.#capacity) return
    this.#entries.splice(this.#entries.findIndex(({ room }) => room === undefined), 1)
    this.#kept -= 1
    this.#counts.buffered -= 1
    this.#counts.dropped += 1
  }

  #refer(room: string, seq: number): void {
    const from = this.#isWholeRoom && this.#seq !== undefined ? this.#seq + 1 : seq
    this.#seq = seq
    this.#last += seq - from
    const before = this.#entries.at(-1)
    const follows = before?.room === room && before.to === from - 1
    if (follows) this.#entries[this.#entries.length - 1] = { ...before, position: this.#last, to: seq }
    else this.#entries.push({ position: this.#last, room, from, to: seq })
    if (this.#entries.length - this.#kept <= this.#capacity * RUNS) return
    const [oldest] = this.#entries.splice(this.#entries.findIndex((entry) => entry.room !== undefined), 1)
    this.#forgotten = oldest!.position
  }
}
