import type { Connection } from '../connection/connection.ts'
import type { Outbox } from '../outbox.ts'
import { snapshot } from '../snapshot.ts'
import type { Settings } from '../options.ts'

/** How long calls are held back at most, in milliseconds. */
const PATIENCE = 1_000

/** Brings about a moment in which no call is on its way: what is asked meanwhile waits. */
export class Quiet {
  readonly #outbox: Outbox
  /** References of what was sent and is not answered. */
  readonly #open = new Set<string>()
  #whenEmpty: (() => void) | undefined
  #release: (() => void) | undefined

  constructor(outbox: Outbox) {
    const open = this.#open
    const { connection } = this.#outbox = outbox
    const { events } = connection
    const { envelope, down } = events
    const send = connection.send.bind(connection)
    connection.send = (sent, maxBuffered) => {
      send(sent, maxBuffered)
      if (sent.ref && sent.kind !== 'reply' && connection.isOpen) open.add(sent.ref)
    }
    events.envelope = (received) => {
      if (received.kind !== 'request') open.delete(received.ref!)
      envelope(received)
      if (open.size === 0) this.#whenEmpty?.()
    }
    events.down = (close) => {
      open.clear()
      this.#whenEmpty?.()
      down(close)
    }
  }

  /** False when it does not come about. Until `end` nothing is asked of the server. */
  async begin(): Promise<boolean> {
    const { connection, ask } = this.#outbox
    const settings = connection.settings as { -readonly [K in keyof Settings]: Settings[K] }
    const { maxInFlight } = settings
    const held: Parameters<typeof ask>[] = []
    settings.maxInFlight = 0
    this.#outbox.ask = (envelope, ...rest) => void held.push([snapshot(envelope), ...rest])
    this.#release = () => {
      settings.maxInFlight = maxInFlight
      this.#outbox.ask = ask
      for (const given of held) this.#outbox.ask(...given)
      this.#outbox.opened()
    }
    return this.#open.size === 0 || await this.#emptied(connection)
  }

  /** What waited goes its way. */
  end(): void {
    this.#release?.()
    this.#release = undefined
  }

  #emptied({ clock }: Connection): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = clock.after(PATIENCE, () => settle(false))
      const settle = (isEmpty: boolean) => {
        this.#whenEmpty = undefined
        cancel()
        resolve(isEmpty)
      }
      this.#whenEmpty = () => settle(true)
    })
  }
}
