import type { Connection } from '../connection.ts'
import { type Channel, NOTHING_SENT } from '../channel.ts'
import type { Sent } from '../traffic.ts'
import type { Pages } from './pages.ts'

/** What a watcher reads. */
export interface WatchedRoom {
  readonly pages: Pages
  readonly version: number
  /** Buffered bytes below which a watcher reads on. */
  readonly lowWaterMark: number
}

/**
 * One connection's watching of one room. First it is given the members page by page, as fast as it takes them; pages
 * that change meanwhile are given again. When there is nothing more to give it is *live*: in the room's channel, told of
 * changes. One that is too slow for those starts anew once it has drained.
 */
export class PresenceWatcher {
  readonly connection: Connection
  readonly #room: WatchedRoom
  readonly #channel: Channel<PresenceWatcher>
  /** What each page was like when it was given; undefined before the start. */
  #given: number[] | undefined
  #live = false
  #ended = false
  #sentBefore: Sent = NOTHING_SENT

  constructor(room: WatchedRoom, connection: Connection, channel: Channel<PresenceWatcher>) {
    this.#room = room
    this.connection = connection
    this.#channel = channel
  }

  get live(): boolean {
    return this.#live
  }

  /** What the channel has sent this connection since it last became live. */
  get received(): Sent {
    return this.#live ? this.#channel.sentSince(this.#sentBefore) : NOTHING_SENT
  }

  /** Gives nothing more until the next start. */
  pause(): void {
    this.#given = undefined
    this.#stopLive()
  }

  /** Begins to give the members. */
  start(): void {
    this.#stopLive()
    this.#given = []
    this.resume()
  }

  /** Goes on, unless the peer still has too much to take. */
  resume(): void {
    const given = this.#given
    if (given === undefined) return
    const { pages } = this.#room
    while (!this.#ended && !this.#live && this.connection.peer.bufferedAmount <= this.#room.lowWaterMark) {
      const page = this.#next(given, 0)
      const isLast = page < 0 || this.#next(given, page + 1) < 0
      // Where there is nobody, an empty page says so.
      const number = Math.max(0, page)
      const frame = pages.frame(number, this.connection.variant, isLast, this.#room.version)
      given[number] = pages.changesOf(number)
      this.connection.sendFrame(frame, 1)
      if (isLast) this.#goLive()
    }
  }

  /** Leaves the channel because the peer is slow. */
  fallBehind(): void {
    this.start()
  }

  /** Ends the watching for good. */
  end(): void {
    this.#ended = true
    this.#stopLive()
  }

  /** The first page from here on that was not given as it is now; -1 when there is none. */
  #next(given: readonly number[], from: number): number {
    const { pages } = this.#room
    for (let page = from; page < pages.count; page++) {
      const before = given[page]
      if (before === undefined ? !pages.isEmpty(page) : before !== pages.changesOf(page)) return page
    }
    return -1
  }

  #goLive(): void {
    if (this.#ended) return
    this.#live = true
    this.#given = undefined
    this.#sentBefore = { ...this.#channel.sent }
    this.#channel.add(this)
  }

  #stopLive(): void {
    if (!this.#live) return
    this.connection.countSent(this.received)
    this.#live = false
    this.#channel.remove(this)
  }
}
