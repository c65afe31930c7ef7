import type { EncodedEnvelope } from '../../protocol/envelope.ts'
import { RotundaError } from '../../protocol/errors.ts'
import { checkRoomName, quote } from '../../protocol/names.ts'
import type { Contract } from '../../protocol/contract.ts'
import type { Admission, Hub } from '../../hub/mod.ts'
import type { MailboxCounts } from '../mailbox.ts'
import type { PollParameters } from '../parameters.ts'
import type { FallbackSettings } from '../options.ts'
import { type Wait, waitFor, type WaitTerms } from '../waits.ts'
import { BROADCAST, checkMailbox, mailboxFor, roomOfMailbox } from './address.ts'
import { checkSharedOptions, type SharedSettings } from './options.ts'
import { readMailbox } from './read_mailbox.ts'
import { SharedMailbox } from './shared_mailbox.ts'

/** How somebody wants to read a shared mailbox. */
export interface SharedPoll extends WaitTerms {
  readonly cursor: string | null
  readonly poller: string | null
  readonly poll: PollParameters
}

const LONGEST_POLLER = 128

/**
 * The bridge between sockets and polls: what this node sends to rooms and to everybody is put into mailboxes by name,
 * where any number of readers find it, each from its own position.
 */
export class SharedMailboxes<C extends Contract, M> {
  readonly #hub: Hub<C, M>
  readonly #settings: SharedSettings
  readonly #capacity: number
  /** Milliseconds. */
  readonly #ttl: number
  readonly #counts: MailboxCounts
  /** The one used longest ago first. */
  readonly #all = new Map<string, SharedMailbox>()
  readonly #stopListening: () => void
  readonly #stopSweep: () => void

  constructor(hub: Hub<C, M>, { shared = {}, mailbox, ttl }: FallbackSettings, counts: MailboxCounts) {
    this.#hub = hub
    this.#settings = checkSharedOptions(shared)
    this.#capacity = mailbox
    this.#ttl = ttl * 1000
    this.#counts = counts
    this.#stopListening = hub.reader.listen((batch) => batch.forEach((envelope) => this.#put(envelope)))
    this.#stopSweep = hub.companions.executor.every(Math.min(1_000, this.#ttl / 4), () => this.#sweep(Date.now()))
  }

  get size(): number {
    return this.#all.size
  }

  /** @throws {RotundaError} As rejection: `forbidden`, `not_found`, `invalid_cursor`, `invalid_room`, `store_unavailable`. */
  async read(name: string, who: Admission<M>, { cursor, poller, poll, waits, gone }: SharedPoll): Promise<{
    readonly frames: readonly Uint8Array[]
    readonly cursor: string
  }> {
    checkMailbox(name)
    if (poller !== null && poller.length > LONGEST_POLLER) {
      throw new RotundaError('invalid_cursor', `A poller's name has at most ${LONGEST_POLLER} characters.`)
    }
    await this.#authorize(name, who)
    const mailbox = this.#use(name)
    const place = cursor !== null ? mailbox.positionOf(cursor) : poller !== null ? mailbox.placeOf(poller) : 0
    if (mailbox.after(place ?? 0).length === 0 && place !== undefined && poll.wait > 0) {
      await waitFor(poll.wait, { waits, gone }, (wait) => this.#waitAt(mailbox, wait))
      await this.#authorize(name, who)
    }
    mailbox.usedAt = Date.now()
    const { frames, position } = await readMailbox(this.#hub, mailbox, place, poll.max)
    this.#counts.drained += frames.length
    if (poller !== null && cursor === null) mailbox.movePoller(poller, position)
    return { frames, cursor: mailbox.cursor(position) }
  }

  close(): void {
    this.#stopListening()
    this.#stopSweep()
  }

  #put(envelope: EncodedEnvelope): void {
    try {
      const { resolve } = this.#settings
      const name = resolve === undefined ? mailboxFor(envelope.room) : resolve(envelope)
      if (name !== undefined) this.#use(name).put(envelope)
    } catch (error) {
      // What the application's resolver throws must not keep the message from anybody else.
      this.#hub.report(error)
    }
  }

  /** The mailbox of this name, made if there is none, as the one used last. */
  #use(name: string): SharedMailbox {
    const mailbox = this.#all.get(name) ?? this.#make(name)
    mailbox.usedAt = Date.now()
    this.#all.delete(name)
    this.#all.set(name, mailbox)
    if (this.#all.size > this.#settings.maxMailboxes) {
      const [oldest] = this.#all.values()
      this.#forget(oldest!)
    }
    return mailbox
  }

  #make(name: string): SharedMailbox {
    const isWholeRoom = this.#settings.resolve === undefined && roomOfMailbox(name) !== undefined
    return new SharedMailbox(name, this.#capacity, isWholeRoom, this.#counts)
  }

  #forget(mailbox: SharedMailbox): void {
    this.#all.delete(mailbox.name)
    mailbox.clear()
  }

  #sweep(now: number): void {
    for (const mailbox of this.#all.values()) {
      if (now - mailbox.usedAt >= this.#ttl && mailbox.waiting.size === 0) this.#forget(mailbox)
    }
  }

  #waitAt(mailbox: SharedMailbox, wait: Wait): () => void {
    mailbox.waiting.add(wait)
    return () => void mailbox.waiting.delete(wait)
  }

  async #authorize(name: string, who: Admission<M>): Promise<void> {
    const room = roomOfMailbox(name)
    if (room !== undefined) return await this.#hub.reader.check(who, checkRoomName(room), { last: 1 })
    const { mayRead } = this.#settings
    const allowed = mayRead === undefined ? name === BROADCAST : await mayRead(who.metadata, name)
    if (!allowed) throw new RotundaError('forbidden', `Reading mailbox ${quote(name)} is not allowed.`)
  }
}
