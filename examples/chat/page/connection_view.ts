import type { Client } from '../../../src/client/mod.ts'
import type { ChatContract } from './chat_room.ts'
import { count, find } from './dom.ts'

type State = Client<ChatContract>['state']

const LABELS: Record<State, string> = {
  connecting: 'Connecting…',
  open: 'Live',
  reconnecting: 'Reconnecting…',
  closed: 'Disconnected',
}
/** What carries the connection, where that is worth a word. */
const WAYS: Readonly<Record<string, string>> = {
  websocket: '',
  sse: ' over SSE',
  poll: ' over long polling',
}
/** A hiccup shorter than this is shown in the corner only. */
const NOTICE_AFTER = 1_000

/** Tells the reader whether the page is live, and what waits while it is not. */
export class ConnectionView {
  readonly #chip = find('state', HTMLElement)
  readonly #label = find('state-text', HTMLElement)
  readonly #notice = find('notice', HTMLElement)
  #downSince: number | undefined

  show(state: State, waiting: number, transport: string | undefined): void {
    if (state === 'open') this.#downSince = undefined
    else this.#downSince ??= performance.now()
    this.#chip.dataset['state'] = state
    const queued = waiting > 0 && state !== 'open' ? ` · ${waiting} queued` : ''
    this.#chip.dataset['transport'] = transport ?? ''
    this.#chip.title = transport === undefined ? '' : `Transport: ${transport}`
    setText(this.#label, LABELS[state] + (state === 'open' ? WAYS[transport ?? ''] ?? '' : '') + queued)
    const sentence = this.#sentence(state, waiting)
    this.#notice.hidden = sentence === ''
    this.#notice.classList.toggle('bad', state === 'closed')
    setText(this.#notice, sentence)
  }

  /** Whether a notice is due that `show` held back. */
  get isWaiting(): boolean {
    return this.#downSince !== undefined && this.#notice.hidden === true
  }

  #sentence(state: State, waiting: number): string {
    if (this.#downSince === undefined) return ''
    if (state === 'closed') return 'The server has ended this connection. Reload the page to come back.'
    if (performance.now() - this.#downSince < NOTICE_AFTER && waiting === 0) return ''
    const what = waiting > 0 ? `${count(waiting, 'message')} will be sent` : 'you can go on writing: messages are sent'
    return `No connection to the server. This page keeps trying; ${what} as soon as it is back.`
  }
}

/** Leaves a text that is right alone, so that screen readers do not read it again. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
