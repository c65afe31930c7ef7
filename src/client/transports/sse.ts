import { type HttpOptions, HttpSocket } from './http_socket.ts'
import type { Transport } from './transport.ts'

/** Server-sent events down and requests up: passes where a WebSocket is blocked, unless answers are held back. */
export function sse(options: HttpOptions = {}): Transport {
  return { name: 'sse', open: (url, protocols) => new EventStreamSocket(url, protocols, options) }
}

class EventStreamSocket extends HttpSocket {
  protected async run(): Promise<void> {
    const { headers, body } = await this.ask('sse', {}, {})
    if (!headers.get('content-type')?.startsWith('text/event-stream')) throw new Error('This is no event stream.')
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    let kind = ''
    let data: string[] = []
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const lines = (rest + value).split(/\r?\n/)
      rest = lines.pop()!
      for (const line of lines) {
        const [, field, text = ''] = /^(\w+): ?(.*)/.exec(line) ?? []
        if (field === 'data') data.push(text)
        if (field === 'event') kind = text
        if (line || data.length === 0) continue
        this.#event(kind, data.join('\n'))
        kind = ''
        data = []
      }
    }
  }

  /** Envelopes come without a name; with one, what the server's application sends of its own. */
  #event(kind: string, data: string): void {
    if (!kind) this.receive(data)
    else if (kind === 'bytes') this.receiveRaw(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer)
    else this.receiveRaw(data)
  }
}
