import type { SessionDetail } from '../view.ts'
import type { Choice } from './choice.ts'
import { button, h, say } from './dom.ts'
import { bytes, count, rate, span } from './format.ts'

/** Counters at an earlier look. */
interface Before {
  readonly at: number
  readonly detail: SessionDetail
}

/** All of one session, and the button that closes it. */
export class SessionPanel {
  readonly element: HTMLElement
  readonly session: string
  readonly #change: (change: Partial<Choice>) => void
  readonly #facts = h('dl', 'facts')
  readonly #rooms = h('ul', 'rooms')
  readonly #roomTitle = h('h3')
  readonly #over = h('p', 'hint', 'This session is over.')
  readonly #end: HTMLButtonElement
  readonly #values = new Map<string, HTMLElement>()
  #before: Before | undefined

  constructor(session: string, change: (change: Partial<Choice>) => void, close: (detail: SessionDetail) => void) {
    this.session = session
    this.#change = change
    this.#end = button('Close session…', 'button danger', 'close-session', () => {
      if (this.#before !== undefined) close(this.#before.detail)
    })
    this.#end.disabled = true
    const leave = button('✕', 'button square', 'leave', () => change({ session: '' }))
    leave.setAttribute('aria-label', 'Hide details')
    const title = h('h2', 'mono', session)
    title.title = session
    const head = h('div', 'panel-head', h('div', '', h('p', 'kind', 'Session'), title), leave)
    this.#over.hidden = true
    this.element = h('div', 'panel-body', head, this.#over, this.#facts, this.#roomTitle, this.#rooms, this.#end)
  }

  show(detail: SessionDetail | null, now: number): void {
    this.#over.hidden = detail !== null
    this.#end.disabled = detail === null || detail.state === 'closing'
    if (detail === null) return
    const seconds = this.#before === undefined ? 0 : (now - this.#before.at) / 1_000
    const speed = (key: 'messagesIn' | 'messagesOut') => {
      if (this.#before === undefined || seconds <= 0) return ''
      return ` · ${rate(Math.max(0, detail[key] - this.#before.detail[key]) / seconds)}/s`
    }
    const { address, port, transport, codec, state, connectedAt, seenAt, buffered } = detail
    const messages = (key: 'messagesIn' | 'messagesOut', size: number, frames: number) => {
      return `${count(detail[key])} messages${speed(key)} · ${count(frames)} frames · ${bytes(size)}`
    }
    this.#say('State', state)
    if (detail.subject !== null) this.#say('Who', detail.subject)
    this.#say('Address', port === 0 ? address : `${address}:${port}`)
    this.#say('Transport', `${transport} · ${codec}`)
    this.#say('Connected', `${span(now - connectedAt)} ago · ${new Date(connectedAt).toLocaleString('en-GB')}`)
    this.#say('Last heard', `${span(now - seenAt)} ago`)
    this.#say('In', messages('messagesIn', detail.bytesIn, detail.framesIn))
    this.#say('Out', messages('messagesOut', detail.bytesOut, detail.framesOut))
    this.#say('Buffered', bytes(buffered))
    this.#before = { at: now, detail }
    this.#list(detail)
  }

  #say(name: string, text: string): void {
    let value = this.#values.get(name)
    if (value === undefined) {
      this.#values.set(name, value = h('dd'))
      this.#facts.append(h('div', '', h('dt', '', name), value))
    }
    say(value, text)
  }

  #list({ rooms, inRooms }: SessionDetail): void {
    say(
      this.#roomTitle,
      rooms > inRooms.length ? `Rooms: ${inRooms.length} of ${count(rooms)}` : `Rooms: ${count(rooms)}`,
    )
    while (this.#rooms.childElementCount > inRooms.length) this.#rooms.lastElementChild?.remove()
    while (this.#rooms.childElementCount < inRooms.length) {
      const follow: HTMLButtonElement = button('', 'link', 'session-room', () => {
        this.#change({ room: follow.textContent ?? '', session: '' })
      })
      this.#rooms.append(h('li', '', follow, h('span', 'soft')))
    }
    for (const [i, { room, position, head }] of inRooms.entries()) {
      const [name, place] = [...this.#rooms.children[i]!.children]
      say(name!, room)
      say(place!, position < head ? `${count(head - position)} behind` : `at ${count(head)}`)
    }
  }
}
