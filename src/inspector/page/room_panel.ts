import type { FollowedMessage, FollowedRoom } from '../view.ts'
import type { Choice } from './choice.ts'
import { button, h, say } from './dom.ts'
import { bytes, clock, count } from './format.ts'

/** Messages that are kept in the page. */
const MOST = 300
/** How near to its end, in pixels, a log is still being read at its end. */
const NEAR = 40

/** A room that is followed: its last messages and every new one, in order. */
export class RoomPanel {
  readonly element: HTMLElement
  readonly room: string
  readonly #facts = h('p', 'soft')
  readonly #note = h('p', 'hint')
  readonly #log = h('ol', 'log')
  #after = 0

  constructor(room: string, change: (change: Partial<Choice>) => void) {
    this.room = room
    const members = button('Its sessions', 'button', 'members', () => {
      change({ view: 'sessions', within: room, search: '', page: 0, slow: false })
    })
    const leave = button('✕', 'button square', 'leave', () => change({ room: '' }))
    leave.setAttribute('aria-label', 'Stop following')
    this.#log.dataset['testid'] = 'log'
    this.#log.tabIndex = 0
    this.#log.setAttribute('aria-label', `Messages of ${room}`)
    this.#note.hidden = true
    const title = h('h2', '', room)
    title.title = room
    const head = h('div', 'panel-head', h('div', '', h('p', 'kind', 'Room'), title), members, leave)
    this.element = h('div', 'panel-body', head, this.#facts, this.#note, this.#log)
  }

  /** Seq up to which it has the messages. */
  get after(): number {
    return this.#after
  }

  /** The server has begun another log. */
  clear(): void {
    this.#after = 0
    this.#log.replaceChildren()
  }

  show({ room, members, head, trimmed, messages, error }: FollowedRoom, showsPayloads: boolean): void {
    if (room !== this.room) return
    const removed = trimmed > 0 ? ` · the first ${count(trimmed)} removed` : ''
    say(this.#facts, error ?? `${count(members)} here · ${count(head)} messages${removed}`)
    const note = error !== null
      ? ''
      : head === 0
      ? 'Nothing was stored in this room yet.'
      : showsPayloads
      ? ''
      : 'Payloads are hidden. The option payloads shows them.'
    say(this.#note, note)
    this.#note.hidden = note === ''
    const isAtEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR
    for (const message of messages) this.#add(message)
    while (this.#log.childElementCount > MOST) this.#log.firstElementChild?.remove()
    if (isAtEnd && messages.length > 0) this.#log.scrollTop = this.#log.scrollHeight
  }

  #add(message: FollowedMessage): void {
    const { seq, ts, type, size, isBytes, preview } = message
    if (seq <= this.#after) return
    if (this.#after > 0 && seq > this.#after + 1) {
      this.#log.append(h('li', 'skipped', `${count(seq - this.#after - 1)} more, too fast to show`))
    }
    this.#after = seq
    const sender = h('span', 'sender', message.from === null ? 'server' : message.from.slice(0, 8))
    sender.title = message.from ?? 'Published by the server'
    const time = h('time', '', clock(ts))
    const much = h('span', 'size', isBytes ? `${bytes(size)} binary` : bytes(size))
    const line = h('div', 'line', h('span', 'seq', `#${seq}`), h('span', 'type', type), sender, much, time)
    const item = h('li', '', line)
    item.dataset['testid'] = 'message'
    item.dataset['seq'] = String(seq)
    if (preview !== null) item.append(h('code', isBytes ? 'bytes' : '', preview))
    this.#log.append(item)
  }
}
