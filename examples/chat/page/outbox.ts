import type { Room } from '../../../src/client/mod.ts'
import type { ChatContract } from './chat_room.ts'
import type { LogView } from './log_view.ts'
import { OutgoingView } from './message_view.ts'

interface Outgoing {
  readonly user: string
  readonly text: string
  readonly view: OutgoingView
  /** Set when it is stored. */
  seq: number | undefined
  hasFailed: boolean
}

/** The reader's own messages of one room, from the moment they are sent until they come back from the log. */
export class Outbox {
  readonly #room: Room<ChatContract>
  readonly #log: LogView
  readonly #changed: () => void
  readonly #outgoing = new Set<Outgoing>()
  #isOnline = false
  #delivered = 0

  constructor(room: Room<ChatContract>, log: LogView, changed: () => void) {
    this.#room = room
    this.#log = log
    this.#changed = changed
  }

  /** How many are not stored yet. */
  get waiting(): number {
    let waiting = 0
    for (const { seq, hasFailed } of this.#outgoing) if (seq === undefined && !hasFailed) waiting += 1
    return waiting
  }

  send(user: string, text: string): void {
    const outgoing = { user, text, view: new OutgoingView(user, text), seq: undefined, hasFailed: false }
    this.#outgoing.add(outgoing)
    this.#log.addOutgoing(outgoing.view.element)
    void this.#publish(outgoing)
  }

  setOnline(online: boolean): void {
    this.#isOnline = online
    for (const { view, seq, hasFailed } of this.#outgoing) if (seq === undefined && !hasFailed) view.sending(online)
  }

  /** One of the reader's own messages came from the log; usually before the ack is looked at. */
  returned(seq: number, user: string, text: string): void {
    for (const outgoing of this.#outgoing) {
      const isThis = outgoing.seq === seq ||
        (outgoing.seq === undefined && outgoing.user === user && outgoing.text === text)
      if (isThis) return this.#remove(outgoing)
    }
  }

  /** The log is shown up to here: what is stored before is among it. */
  delivered(seq: number): void {
    this.#delivered = seq
    for (const outgoing of this.#outgoing) if (outgoing.seq !== undefined && outgoing.seq <= seq) this.#remove(outgoing)
  }

  async #publish(outgoing: Outgoing): Promise<void> {
    const { user, text, view } = outgoing
    outgoing.hasFailed = false
    view.sending(this.#isOnline)
    this.#changed()
    try {
      const { seq } = await this.#room.publish('chat.message', { user, text })
      outgoing.seq = seq
      if (seq <= this.#delivered) this.#remove(outgoing)
      else view.stored(seq)
    } catch (error) {
      outgoing.hasFailed = true
      view.failed(error instanceof Error ? error.message : String(error), () => void this.#publish(outgoing))
    }
    this.#changed()
  }

  #remove(outgoing: Outgoing): void {
    this.#outgoing.delete(outgoing)
    outgoing.view.element.remove()
  }
}
