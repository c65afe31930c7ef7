import type { SessionDetail } from '../view.ts'
import { askToClose } from './api.ts'
import { find, say } from './dom.ts'

/** Asks before it closes a session, for the session that was pointed at when it was asked. */
export class CloseDialog {
  readonly #dialog = find('closing', HTMLDialogElement)
  readonly #who = find('closing-who', HTMLElement)
  readonly #code = find('code', HTMLSelectElement)
  readonly #reason = find('reason', HTMLInputElement)
  readonly #error = find('closing-error', HTMLElement)
  readonly #confirm = find('confirm', HTMLButtonElement)
  #session = ''

  /** @param closed Called when a session was closed. */
  constructor(closed: () => void) {
    this.#confirm.addEventListener('click', () => void this.#close(closed))
    this.#reason.addEventListener('keydown', (event) => {
      // The form's own way would be its first button, which keeps the session.
      if (event.key !== 'Enter') return
      event.preventDefault()
      this.#confirm.focus()
    })
  }

  open({ id, address, port }: SessionDetail): void {
    this.#session = id
    say(this.#who, `${id} · ${address}${port === 0 ? '' : `:${port}`}`)
    this.#reason.value = ''
    this.#code.value = '1000'
    this.#error.hidden = true
    this.#confirm.disabled = false
    this.#dialog.showModal()
  }

  async #close(closed: () => void): Promise<void> {
    this.#confirm.disabled = true
    try {
      await askToClose(this.#session, this.#code.value, this.#reason.value)
      this.#dialog.close()
      closed()
    } catch (error) {
      say(this.#error, error instanceof Error ? error.message : String(error))
      this.#error.hidden = false
      this.#confirm.disabled = false
    }
  }
}
