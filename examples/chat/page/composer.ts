import { chat } from '../protocol.ts'
import { count, find } from './dom.ts'

const LIMIT = chat.definitions['chat.message'].schema.shape.text.maxLength ?? Infinity
/** From so many characters before the limit on, what is left is shown. */
const NEAR = 400
const TYPING_EVERY = 2_000

/** What the composer tells the page. */
export interface ComposerEvents {
  readonly send: (text: string) => void
  /** The writer is at it; told at most every two seconds. */
  readonly typing: () => void
}

/** The field messages are written in; each room keeps its own draft. */
export class Composer {
  readonly #field = find('text', HTMLTextAreaElement)
  readonly #button = find('send', HTMLButtonElement)
  readonly #count = find('count', HTMLElement)
  readonly #events: ComposerEvents
  readonly #drafts = new Map<string, string>()
  #room = ''
  #toldTyping = -Infinity

  constructor(events: ComposerEvents) {
    this.#events = events
    this.#field.addEventListener('input', () => this.#changed())
    this.#field.addEventListener('keydown', (event) => {
      // While an input method composes, Enter picks a candidate.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.#send()
    })
    find('composer', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      this.#send()
    })
  }

  enter(room: string): void {
    this.#drafts.set(this.#room, this.#field.value)
    this.#room = room
    this.#field.value = this.#drafts.get(room) ?? ''
    this.#field.placeholder = `Message #${room}`
    this.#toldTyping = -Infinity
    this.#fit()
  }

  focus(): void {
    // On a touch screen this would open the keyboard unasked.
    if (matchMedia('(hover: hover)').matches) this.#field.focus()
  }

  #changed(): void {
    this.#fit()
    const now = performance.now()
    if (this.#text() === '' || now - this.#toldTyping < TYPING_EVERY) return
    this.#toldTyping = now
    this.#events.typing()
  }

  #send(): void {
    const text = this.#text()
    if (text === '' || text.length > LIMIT) return
    this.#field.value = ''
    this.#toldTyping = -Infinity
    this.#fit()
    this.#events.send(text)
  }

  /** What would be sent: without empty lines around it. */
  #text(): string {
    return this.#field.value.replace(/^\s*\n/, '').trimEnd()
  }

  #fit(): void {
    this.#field.style.height = 'auto'
    this.#field.style.height = `${this.#field.scrollHeight}px`
    const { length } = this.#text()
    const left = LIMIT - length
    this.#button.disabled = length === 0 || left < 0
    this.#count.hidden = left > NEAR
    this.#count.classList.toggle('over', left < 0)
    this.#count.textContent = left < 0 ? `${count(-left, 'character')} too long` : `${count(left, 'character')} left`
    this.#field.ariaInvalid = String(left < 0)
  }
}
