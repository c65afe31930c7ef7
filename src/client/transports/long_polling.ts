import { type Http, type HttpOptions, httpTransport } from './http_transport.ts'
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
  return httpTransport('poll', (http) => poll(http, wait), options, true)
}

async function poll({ ask, receive, isOver }: Http, wait: number): Promise<void> {
  let cursor: string | null = null
  let max = MOST
  let failures = 0
  while (!isOver()) {
    let text = ''
    try {
      const response: Response =
        await (cursor ? ask('GET', 'poll', `cursor=${cursor}&wait=${wait}&max=${max}`) : ask('POST', 'poll'))
      text = await response.text()
      // Only if it came as a whole.
      JSON.parse(text)
      cursor = response.headers.get('rotunda-cursor')
      failures = 0
      max = Math.min(MOST, max * 2)
    } catch (error) {
      if (!cursor || (error as { status?: number }).status! < 500 || ++failures > FAILURES) throw error
      // It is given again what it has not got; a smaller answer may come through where this one did not.
      max = Math.ceil(max / 4)
      await new Promise((resolve) => setTimeout(resolve, PAUSE * failures))
      continue
    }
    if (text[2]) receive(text)
  }
}
