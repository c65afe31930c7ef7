import { h } from './dom.ts'
import { type Message, messageElement, placeAfter } from './message_view.ts'

/** What stands above the oldest message shown. */
export type Top = 'waiting' | 'more' | 'loading' | 'failed' | 'start' | 'removed'

/** What a log tells its room. */
export interface LogEvents {
  /** The reader is near the top, where older messages are wanted. */
  readonly wantsOlder: () => void
  /** The reader came to the bottom or left it. */
  readonly moved: () => void
}

interface Entry {
  /** Undefined for a line. */
  readonly message: Message | undefined
  readonly element: HTMLLIElement
}

const NEAR_BOTTOM = 48
const MAX_SHOWN = 800
/** Where the reader is not at the bottom, and may be looking at what would be dropped. */
const MAX_BEHIND = 5_000
const KEPT = 400

/** The scrolling log of one room: messages in order, lines between them, own messages on their way at the end. */
export class LogView {
  readonly element: HTMLElement
  readonly #room: string
  readonly #events: LogEvents
  readonly #top: HTMLElement
  readonly #list = h('ol')
  readonly #outgoing = h('ol')
  readonly #topSeen: IntersectionObserver
  #entries: Entry[] = []
  #topState: Top = 'waiting'
  #atBottom = true
  #scrollTop = 0

  constructor(room: string, events: LogEvents) {
    this.#room = room
    this.#events = events
    this.#top = h('div', 'top-of-log')
    this.#top.dataset['testid'] = 'top-of-log'
    this.element = h('div', 'log', this.#top, this.#list, this.#outgoing)
    this.element.role = 'log'
    // New messages are announced by the page, pages of history are not.
    this.element.ariaLive = 'off'
    this.element.ariaLabel = `Messages in ${room}`
    this.element.tabIndex = 0
    this.element.hidden = true
    this.element.dataset['testid'] = 'log'
    this.element.addEventListener('scroll', () => this.#scrolled())
    new ResizeObserver(() => this.#keepBottom()).observe(this.element)
    this.#topSeen = new IntersectionObserver(([seen]) => seen?.isIntersecting && this.#wantOlder(), {
      root: this.element,
      rootMargin: '400px 0px 0px',
    })
    this.setTop('waiting')
  }

  get atBottom(): boolean {
    return this.#atBottom
  }

  get top(): Top {
    return this.#topState
  }

  /** The oldest message shown. */
  get oldest(): Message | undefined {
    return this.#entries.find(({ message }) => message !== undefined)?.message
  }

  show(): void {
    this.element.hidden = false
    if (this.#atBottom) this.toBottom()
    else this.element.scrollTop = this.#scrollTop
  }

  hide(): void {
    this.element.hidden = true
  }

  toBottom(): void {
    this.#atBottom = true
    this.#keepBottom()
    this.#events.moved()
  }

  append(messages: readonly Message[]): void {
    const fragment = document.createDocumentFragment()
    for (const message of messages) {
      const element = messageElement(message)
      const previous = this.#entries.findLast((entry) => entry.message !== undefined)?.message
      placeAfter(element, message, previous, this.#entries.at(-1)?.message === undefined)
      this.#entries.push({ message, element })
      fragment.append(element)
    }
    this.#list.append(fragment)
    this.#forgetOldest()
    this.#keepBottom()
  }

  /** Puts older messages, oldest first, above the others. What the reader looks at stays where it is. */
  prepend(messages: readonly Message[]): void {
    const entries: Entry[] = []
    for (const message of messages) {
      const element = messageElement(message)
      placeAfter(element, message, entries.at(-1)?.message)
      entries.push({ message, element })
    }
    const [next] = this.#entries
    this.#changeAbove(() => {
      this.#list.prepend(...entries.map(({ element }) => element))
      if (next?.message !== undefined) placeAfter(next.element, next.message, entries.at(-1)?.message)
    })
    this.#entries.unshift(...entries)
  }

  /** Adds a line of the page's own after what is there. Of several returns in a row only the last is shown. */
  addLine(text: string, kind: 'resumed' | 'gap'): void {
    const element = h('li', `line ${kind}`, text)
    element.dataset['testid'] = kind
    if (this.#entries.at(-1)?.element.classList.contains('resumed')) this.#entries.pop()?.element.remove()
    this.#entries.push({ message: undefined, element })
    this.#list.append(element)
    this.#keepBottom()
  }

  /** Marks where what was not read begins; -1 removes the mark. */
  markUnreadAfter(seq: number): void {
    this.#list.querySelector('.line.unread')?.remove()
    const first = this.#entries.find(({ message }) => message !== undefined && message.seq > seq)
    if (seq >= 0) first?.element.querySelector('.row')?.before(unreadLine())
  }

  /** Forgets everything that is shown, but not what is on its way. */
  clear(): void {
    this.#entries = []
    this.#list.replaceChildren()
  }

  addOutgoing(element: HTMLLIElement): void {
    this.#outgoing.append(element)
    this.toBottom()
  }

  setTop(state: Top): void {
    this.#topState = state
    this.#changeAbove(() => this.#top.replaceChildren(...this.#topContent(state)))
    this.#topSeen.disconnect()
    if (state === 'more') this.#topSeen.observe(this.#top)
  }

  #topContent(state: Top): (Node | string)[] {
    switch (state) {
      case 'start':
        return [h('strong', '', `#${this.#room}`), 'This is the start of the room.']
      case 'removed':
        return ['Older messages were removed from this room.']
      case 'failed': {
        const again = h('button', '', 'Older messages did not load. Try again')
        again.type = 'button'
        again.addEventListener('click', () => this.#events.wantsOlder())
        return [again]
      }
      default:
        return ['Loading…']
    }
  }

  #wantOlder(): void {
    if (this.#topState === 'more') this.#events.wantsOlder()
  }

  /** A page left open for days must not grow without end; history brings back what is dropped. */
  #forgetOldest(): void {
    if (this.#entries.length <= (this.#atBottom ? MAX_SHOWN : MAX_BEHIND)) return
    this.#changeAbove(() => {
      for (const { element } of this.#entries.splice(0, this.#entries.length - KEPT)) element.remove()
    })
    this.setTop('more')
  }

  /** Changes what is above the reader, who goes on seeing the same. */
  #changeAbove(change: () => void): void {
    const fromBottom = this.element.scrollHeight - this.element.scrollTop
    change()
    this.element.scrollTop = this.element.scrollHeight - fromBottom
    this.#scrollTop = this.element.scrollTop
  }

  #scrolled(): void {
    const { scrollHeight, scrollTop, clientHeight, hidden } = this.element
    if (hidden) return
    const wentUp = scrollTop < this.#scrollTop
    this.#scrollTop = scrollTop
    const atBottom = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM
    // Only the reader goes up. Otherwise it is the log that has grown, or the room for it that has shrunk.
    if (atBottom === this.#atBottom || (!atBottom && !wentUp)) return
    this.#atBottom = atBottom
    this.#events.moved()
  }

  #keepBottom(): void {
    if (!this.#atBottom) return
    this.element.scrollTop = this.element.scrollHeight
    this.#scrollTop = this.element.scrollTop
  }
}

function unreadLine(): HTMLElement {
  const line = h('div', 'line unread', 'New')
  line.dataset['testid'] = 'line-unread'
  return line
}
