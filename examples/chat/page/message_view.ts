import { dressAvatar, h, hueOf } from './dom.ts'

/** A stored message as the page shows it. */
export interface Message {
  readonly id: string
  readonly seq: number
  readonly ts: number
  readonly user: string
  readonly text: string
  readonly own: boolean
}

const GROUP_WITHIN = 5 * 60_000
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const date = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

/** A message as a list item. */
export function messageElement(message: Message): HTMLLIElement {
  const { seq, ts, user, text, own } = message
  const time = h('time', '', clock.format(ts))
  time.dateTime = new Date(ts).toISOString()
  time.title = exact.format(ts)
  const place = h('span', 'seq', own ? `✓ ${seq}` : `#${seq}`)
  place.title = `Stored: message ${seq} of this room`
  place.dataset['testid'] = 'seq'
  const item = shell(user, text, own, h('span', 'meta', time, ' ', place))
  item.dataset['testid'] = 'message'
  item.dataset['seq'] = String(seq)
  item.dataset['own'] = String(own)
  return item
}

/** Shows whether a message begins a group of its author, as it does after a line, and a day. */
export function placeAfter(
  item: HTMLLIElement,
  message: Message,
  previous: Message | undefined,
  afterLine = false,
): void {
  const isFirst = afterLine || previous === undefined || previous.user !== message.user ||
    previous.own !== message.own ||
    message.ts - previous.ts > GROUP_WITHIN || dayOf(previous) !== dayOf(message)
  item.classList.toggle('first', isFirst)
  item.querySelector('.day')?.remove()
  if (previous === undefined || dayOf(previous) !== dayOf(message)) item.prepend(h('div', 'day', dayName(message.ts)))
}

/** One of the reader's own messages until it comes back from the log. */
export class OutgoingView {
  readonly element: HTMLLIElement
  readonly #meta: HTMLElement

  constructor(user: string, text: string) {
    this.#meta = h('span', 'meta')
    this.element = shell(user, text, true, this.#meta)
    this.element.classList.add('first')
    this.element.dataset['testid'] = 'outgoing'
  }

  sending(online: boolean): void {
    this.#show('pending', online ? 'sending…' : 'waiting to be sent')
  }

  stored(seq: number): void {
    this.#show('', `✓ ${seq}`)
  }

  failed(reason: string, retry: () => void): void {
    const again = h('button', '', 'Try again')
    again.type = 'button'
    again.addEventListener('click', retry)
    this.#show('failed', `not sent: ${reason}`, again)
  }

  #show(state: '' | 'pending' | 'failed', ...content: (Node | string)[]): void {
    this.element.classList.toggle('pending', state === 'pending')
    this.element.classList.toggle('failed', state === 'failed')
    this.#meta.replaceChildren(...content)
  }
}

function shell(user: string, text: string, own: boolean, meta: HTMLElement): HTMLLIElement {
  const author = h('span', 'author', user)
  author.dir = 'auto'
  const body = h('span', 'text', text)
  body.dir = 'auto'
  body.dataset['testid'] = 'message-text'
  const bubble = h('div', 'bubble', body, meta)
  if (own) return h('li', 'message own', h('div', 'row', h('span', 'visually-hidden', 'You: '), bubble))
  const avatar = h('span', 'avatar')
  avatar.ariaHidden = 'true'
  dressAvatar(avatar, user)
  const item = h('li', 'message', h('div', 'row', avatar, author, bubble))
  item.style.setProperty('--hue', String(hueOf(user)))
  return item
}

function dayOf({ ts }: Message): string {
  return new Date(ts).toDateString()
}

function dayName(ts: number): string {
  const day = new Date(ts).toDateString()
  const today = new Date()
  if (day === today.toDateString()) return 'Today'
  today.setDate(today.getDate() - 1)
  return day === today.toDateString() ? 'Yesterday' : date.format(ts)
}
