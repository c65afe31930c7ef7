import type { Client, Gap, Joined, Room } from '../../../src/client/mod.ts'
import { chat } from '../protocol.ts'
import { count } from './dom.ts'
import { LogView } from './log_view.ts'
import type { Memory } from './memory.ts'
import type { Message } from './message_view.ts'
import { Outbox } from './outbox.ts'
import { Typists } from './typists.ts'

export type ChatContract = typeof chat.definitions

/** What a room tells the page. */
export interface RoomEvents {
  /** Something beside the log changed: counts, members, who is typing. */
  readonly changed: () => void
  /** Others wrote something while the reader looked. */
  readonly heard: (messages: readonly Message[]) => void
}

const PAGE = 50

/** One room: its subscription, its log on the page, and what the page shows about it. */
export class ChatRoom {
  readonly name: string
  readonly log: LogView
  readonly outbox: Outbox
  readonly typists: Typists
  members: number | undefined
  readonly #room: Room<ChatContract>
  readonly #memory: Memory
  readonly #events: RoomEvents
  #arrived: Message[] = []
  #epoch: string | undefined
  #latest = 0
  #read = 0
  #isActive = false
  #offlineSince: number | undefined

  constructor(client: Client<ChatContract>, name: string, memory: Memory, events: RoomEvents) {
    this.name = name
    this.#memory = memory
    this.#events = events
    this.log = new LogView(name, { wantsOlder: () => void this.#loadOlder(), moved: () => this.markRead() })
    this.typists = new Typists(events.changed)
    this.#room = client.join(name, { last: PAGE })
    this.outbox = new Outbox(this.#room, this.log, events.changed)
    this.#room.on('chat.message', ({ id, seq, ts, from, payload }) => {
      this.#receive({ id, seq, ts, ...payload, own: memory.isOwn(from) })
    })
    this.#room.on('chat.typing', ({ from, payload }) => {
      if (!memory.isOwn(from)) this.typists.add(payload.user)
    })
    this.#room.onJoined((joined) => this.#joined(joined))
    this.#room.onGap((gap) => this.#gap(gap))
  }

  /** Messages the reader has not seen. */
  get unread(): number {
    return Math.max(0, this.#latest - this.#read)
  }

  activate(): void {
    this.#isActive = true
    this.log.markUnreadAfter(this.unread > 0 ? this.#read : -1)
    this.log.show()
    this.markRead()
    void this.countMembers()
  }

  deactivate(): void {
    this.#isActive = false
    this.log.hide()
  }

  /** Takes what was shown as read, if the reader looks at it. */
  markRead(): void {
    if (this.#isActive && this.log.atBottom && !document.hidden && this.#epoch !== undefined) {
      if (this.#read !== this.#latest) this.#setRead(this.#latest)
    }
    this.#events.changed()
  }

  send(text: string): void {
    this.outbox.send(this.#memory.name, text)
  }

  typed(): void {
    this.#room.publish('chat.typing', { user: this.#memory.name })
  }

  setOnline(online: boolean): void {
    this.outbox.setOnline(online)
    if (online) return
    if (this.#epoch !== undefined) this.#offlineSince ??= Date.now()
    this.members = undefined
    this.typists.clear()
  }

  async countMembers(): Promise<void> {
    try {
      this.members = (await this.#room.request('chat.stats', {})).members
      this.#events.changed()
    } catch {
      // Asked again soon; the number shown is a courtesy.
    }
  }

  leave(): void {
    this.#room.leave()
    this.log.element.remove()
  }

  #joined({ head, epoch, cursor }: Joined): void {
    this.#flush()
    if (this.#epoch === undefined) {
      const mark = this.#memory.read(this.name)
      this.#setRead(mark?.epoch === epoch ? mark.seq : head, epoch)
      if (cursor >= head) this.log.setTop(head === 0 ? 'start' : 'removed')
    } else if (this.#offlineSince !== undefined) {
      const missed = epoch === this.#epoch ? head - this.#latest : 0
      this.log.addLine(backAgain(Date.now() - this.#offlineSince, missed), 'resumed')
    }
    this.#offlineSince = undefined
    this.#latest = Math.max(this.#latest, head)
    if (this.#isActive) void this.countMembers()
    this.markRead()
  }

  #gap({ code, missed, cursor, epoch }: Gap): void {
    this.#flush()
    if (code === 'epoch_changed') {
      this.log.clear()
      this.log.setTop('waiting')
    }
    const range = missed === null ? '' : missed.from === missed.to ? ` ${missed.from}` : `s ${missed.from}–${missed.to}`
    const text = code === 'history_trimmed'
      ? `Message${range} had been removed before this page could get them`
      : code === 'epoch_changed'
      ? 'The server has begun a new log'
      : 'The server’s log ends earlier than what is shown here'
    this.log.addLine(text, 'gap')
    if (epoch !== this.#epoch) this.#setRead(cursor, epoch)
    this.#latest = cursor
    this.outbox.delivered(cursor)
    this.markRead()
  }

  /** A batch may bring hundreds in one go: they are shown together. */
  #receive(message: Message): void {
    if (this.#arrived.push(message) === 1) setTimeout(() => this.#flush(), 0)
  }

  #flush(): void {
    const messages = this.#arrived
    if (messages.length === 0) return
    this.#arrived = []
    for (const { user, own, seq, text } of messages) {
      if (!own) this.typists.remove(user)
      else {
        this.outbox.returned(seq, user, text)
        if (this.#read === seq - 1) this.#setRead(seq)
      }
    }
    this.log.append(messages)
    const { seq } = messages.at(-1)!
    this.#latest = Math.max(this.#latest, seq)
    this.outbox.delivered(seq)
    if (this.log.top === 'waiting') this.log.setTop(this.log.oldest?.seq === 1 ? 'start' : 'more')
    if (this.#isActive) this.#events.heard(messages.filter(({ own }) => !own))
    this.markRead()
  }

  async #loadOlder(): Promise<void> {
    const oldest = this.log.oldest
    if (oldest === undefined || this.log.top === 'loading') return
    this.log.setTop('loading')
    const older: Message[] = []
    try {
      for await (const { id, seq, ts, from, payload, type } of this.#room.history({ before: oldest.id, limit: PAGE })) {
        if (type === 'chat.message') older.unshift({ id, seq, ts, ...payload, own: this.#memory.isOwn(from) })
        if (older.length === PAGE) break
      }
    } catch {
      return this.log.setTop('failed')
    }
    // Meanwhile the log may have dropped what was its top.
    if (this.log.oldest !== oldest) return this.log.setTop('more')
    this.log.prepend(older)
    const isStart = (older[0] ?? oldest).seq === 1
    this.log.setTop(isStart ? 'start' : older.length < PAGE ? 'removed' : 'more')
  }

  #setRead(seq: number, epoch: string = this.#epoch ?? ''): void {
    this.#read = seq
    this.#epoch = epoch
    this.#memory.markRead(this.name, { epoch, seq })
  }
}

function backAgain(milliseconds: number, missed: number): string {
  const seconds = Math.round(milliseconds / 1000)
  const time = seconds < 1
    ? 'a moment'
    : seconds < 120
    ? count(seconds, 'second')
    : `${Math.round(seconds / 60)} minutes`
  return `Back after ${time} · ${missed > 0 ? `${count(missed, 'message')} caught up` : 'nothing missed'}`
}
