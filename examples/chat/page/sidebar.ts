import { find, h } from './dom.ts'
import { cleanRoom } from './memory.ts'

/** A room as the list shows it. */
export interface ListedRoom {
  readonly name: string
  readonly unread: number
}

/** What the list tells the page. */
export interface SidebarEvents {
  readonly open: (room: string) => void
  readonly leave: (room: string) => void
}

const CROSS = 'M5 5l10 10M15 5L5 15'
const MAX_COUNT = 99

/** The list of rooms; on a phone a drawer over the log. */
export class Sidebar {
  readonly #list = find('rooms', HTMLUListElement)
  readonly #opener = find('open-rooms', HTMLButtonElement)
  readonly #closer = find('close-rooms', HTMLButtonElement)
  readonly #main = document.querySelector('main')
  readonly #events: SidebarEvents

  constructor(events: SidebarEvents) {
    this.#events = events
    this.#opener.addEventListener('click', () => this.#setDrawer(true))
    this.#closer.addEventListener('click', () => this.#setDrawer(false))
    find('backdrop', HTMLElement).addEventListener('click', () => this.#setDrawer(false))
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#isOpen) this.#setDrawer(false)
    })
    matchMedia('(max-width: 720px)').addEventListener('change', () => this.#setDrawer(false))
    const field = find('new-room', HTMLInputElement)
    find('add-room', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      const room = cleanRoom(field.value)
      if (room === '') return field.focus()
      field.value = ''
      this.#choose(room)
    })
  }

  show(rooms: readonly ListedRoom[], current: string): void {
    // Rebuilding the list must not take the focus from the keyboard's user.
    const focused = document.activeElement?.getAttribute('data-focus')
    this.#list.replaceChildren(...rooms.map((room) => this.#item(room, room.name === current, rooms.length > 1)))
    if (focused) this.#list.querySelector<HTMLElement>(`[data-focus=${CSS.escape(focused)}]`)?.focus()
    const elsewhere = rooms.some(({ name, unread }) => unread > 0 && name !== current)
    find('unread-elsewhere', HTMLElement).hidden = !elsewhere
  }

  #item({ name, unread }: ListedRoom, isCurrent: boolean, canLeave: boolean): HTMLLIElement {
    const label = h('span', '', name)
    label.dir = 'auto'
    const link = h('a', '', label)
    link.href = `?room=${encodeURIComponent(name)}`
    link.dataset['testid'] = 'room'
    link.dataset['room'] = name
    link.dataset['focus'] = `open ${name}`
    if (isCurrent) link.ariaCurrent = 'page'
    link.addEventListener('click', (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return
      event.preventDefault()
      this.#choose(name)
    })
    if (unread > 0) {
      const badge = h('span', 'unread-count', unread > MAX_COUNT ? `${MAX_COUNT}+` : String(unread))
      badge.dataset['testid'] = 'unread'
      link.append(badge, h('span', 'visually-hidden', ' unread'))
    }
    const item = h('li', `room${isCurrent ? ' current' : ''}${unread > 0 ? ' unread' : ''}`, link)
    if (canLeave) item.append(this.#leaveButton(name))
    return item
  }

  #leaveButton(name: string): HTMLButtonElement {
    const button = h('button', 'leave', cross())
    button.type = 'button'
    button.ariaLabel = `Leave ${name}`
    button.title = 'Leave this room'
    button.dataset['focus'] = `leave ${name}`
    button.addEventListener('click', () => this.#events.leave(name))
    return button
  }

  #choose(room: string): void {
    this.#setDrawer(false)
    this.#events.open(room)
  }

  get #isOpen(): boolean {
    return document.body.classList.contains('rooms-open')
  }

  #setDrawer(open: boolean): void {
    if (open === this.#isOpen) return
    document.body.classList.toggle('rooms-open', open)
    this.#opener.ariaExpanded = String(open)
    if (this.#main !== null) this.#main.inert = open
    ;(open ? this.#closer : this.#opener).focus()
  }
}

function cross(): SVGElement {
  const space = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(space, 'svg')
  svg.setAttribute('viewBox', '0 0 20 20')
  svg.setAttribute('aria-hidden', 'true')
  const path = document.createElementNS(space, 'path')
  path.setAttribute('d', CROSS)
  svg.append(path)
  return svg
}
