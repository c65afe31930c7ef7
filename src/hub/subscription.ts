import { NOTHING_SENT } from './channel.ts'
import type { Sent } from './traffic.ts'
import { trimmedGap } from './gap.ts'
import type { Room } from './room.ts'
import type { RoomChannel } from './room_channel.ts'
import { costOfSending } from './turns.ts'
import type { Connection } from './connection.ts'

/**
 * One connection's reading of one room. Either *live*: served with the others of its channel, its position the channel's head by
 * definition; or *catching up*: reading pages of the log from its cursor until it reaches that head.
 */
export class Subscription {
  readonly room: Room
  readonly connection: Connection
  readonly #channel: RoomChannel
  #cursor: number
  #live = false
  #ended = false
  #reading = false
  #sentBefore: Sent = NOTHING_SENT

  constructor(room: Room, connection: Connection, channel: RoomChannel, cursor: number) {
    this.room = room
    this.connection = connection
    this.#channel = channel
    this.#cursor = cursor
    channel.behind.add(this)
  }

  /** Seq of the last message it was given. */
  get position(): number {
    return this.#live ? this.#channel.head : this.#cursor
  }

  get live(): boolean {
    return this.#live
  }

  /** What the channel has sent this connection since it last became live. */
  get received(): Sent {
    return this.#live ? this.#channel.sentSince(this.#sentBefore) : NOTHING_SENT
  }

  /** Goes on: live when at the head, else reading towards it, unless the peer still has too much to take. */
  resume(): void {
    if (!this.#mayRead()) return
    if (this.#cursor === this.#channel.head) return this.#goLive()
    if (this.#cursor > this.#channel.head || this.#reading) return
    this.#reading = true
    this.room.counters.catchUps += 1
    this.room.track(this.#catchUp()).catch(() => this.#ended = true).finally(() => {
      this.#reading = false
      // The head may have moved, or the peer drained, after the last look and before this line.
      this.resume()
    })
  }

  /** Leaves the channel because the peer is slow; the log is read from here once it has drained. */
  fallBehind(): void {
    this.#stopLive(this.#channel.head)
    // A peer that drained between the look at its buffer and now would never tell again.
    this.resume()
  }

  /** Ends the reading for good. */
  end(): void {
    this.#ended = true
    this.#stopLive(this.#cursor)
    this.#channel.leave(this)
  }

  #goLive(): void {
    this.#live = true
    this.#sentBefore = { ...this.#channel.sent }
    this.#channel.add(this)
  }

  #stopLive(cursor: number): void {
    if (!this.#live) return
    this.connection.countSent(this.received)
    this.#live = false
    this.#cursor = cursor
    this.#channel.remove(this)
  }

  #mayRead(): boolean {
    return !this.#ended && !this.#live && this.connection.peer.bufferedAmount <= this.room.lowWaterMark
  }

  async #catchUp(): Promise<void> {
    while (this.#mayRead() && this.#cursor < this.#channel.head) {
      const page = await this.room.page(this.#cursor, this.#channel.head)
      const frames = page.frames(this.connection.variant)
      const turn = this.room.readings.pass(costOfSending(1, page.size, frames.length))
      if (turn !== undefined) await turn
      if (this.#ended) return
      const first = page.messages[0]
      const next = first?.seq ?? page.through + 1
      if (next > this.#cursor + 1) this.#tellTrimmed(this.#cursor + 1, next - 1)
      for (const { frame, messages, last } of frames) {
        // What the peer cannot take now is read again once it has drained.
        if (!this.#mayRead()) return
        this.connection.sendFrame(frame, messages)
        this.#cursor = last
      }
    }
  }

  #tellTrimmed(from: number, to: number): void {
    this.#cursor = to
    this.room.counters.gaps += 1
    this.connection.sendReserved('room.gap', trimmedGap(from, to, this.room.epoch), { room: this.room.name })
  }
}
