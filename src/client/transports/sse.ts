import { type Http, type HttpOptions, httpTransport } from './http_transport.ts'
import type { Transport } from './transport.ts'

/**
 * Server-sent events down and requests up: passes where a WebSocket is blocked, unless answers are held back. What the
 * server's application sends outside of the protocol does not come this way.
 */
export function sse(options: HttpOptions = {}): Transport {
  return httpTransport('sse', read, options)
}

async function read({ ask, receive }: Http): Promise<void> {
  const { body } = await ask('GET', 'sse')
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read; !(read = await reader.read()).done;) {
    const events = (rest + read.value).split(/\r?\n\r?\n/)
    rest = events.pop()!
    for (const event of events) {
      // Envelopes are one line each, in events without a name.
      const data = /^data: ?(.*)/.exec(event)?.[1]
      if (data) receive(data)
    }
  }
}
