import { type HttpOptions, HttpSocket } from './http_socket.ts'
import type { Transport } from './transport.ts'

/** How to poll. */
export interface LongPollingOptions extends HttpOptions {
  /** Seconds for which the server may hold a poll; it allows 60 unless it was told otherwise. Default 25. */
  readonly wait?: number
}

/** Most envelopes in one answer. */
const MOST = 512
/** Polls in a row that may fail. */
const FAILURES = 4
/** Milliseconds before a poll that failed is made again. */
const PAUSE = 250

/** Requests that the server holds until there is something to say: passes wherever a page does. */
export function longPolling({ wait = 25, ...options }: LongPollingOptions = {}): Transport {
  return { name: 'poll', open: (url, protocols) => new PollingSocket(url, protocols, { wait, ...options }) }
}

class PollingSocket extends HttpSocket {
  readonly #wait: number

  constructor(url: string, protocols: string[], options: LongPollingOptions & { readonly wait: number }) {
    super(url, protocols, options)
    this.#wait = options.wait
  }

  protected async run(): Promise<void> {
    let [cursor, text] = await this.#read({}, 'POST')
    let max = MOST
    for (let failures = 0;;) {
      if (text !== '[]') this.receive(text)
      if (this.isOver) return
      try {
        ;[cursor, text] = await this.#read({ cursor, wait: `${this.#wait}`, max: `${max}` }, 'GET')
        failures = 0
        max = Math.min(MOST, max * 2)
      } catch (error) {
        // Without a word it is given again what it has not got. A smaller answer may come through where this one did not.
        if ((error as { status?: number }).status! < 500 || ++failures > FAILURES) throw error
        max = Math.ceil(max / 4)
        text = '[]'
        await new Promise((resolve) => setTimeout(resolve, PAUSE * failures))
      }
    }
  }

  /** The position after an answer, and its envelopes; only if it came as a whole. */
  async #read(parameters: Record<string, string>, method: string): Promise<[cursor: string, text: string]> {
    const response = await this.ask('poll', parameters, { method })
    const text = await response.text()
    JSON.parse(text)
    return [response.headers.get('rotunda-cursor')!, text]
  }

  protected override leave(): void {
    this.ask('poll', {}, { method: 'DELETE', keepalive: true, signal: null }).catch(() => {})
  }
}
