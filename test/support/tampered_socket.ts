import type { WebSocketConstructor } from '../../src/client/mod.ts'
import type { Envelope } from '../../src/mod.ts'

/** What happens to a client's frames on their way. Change it while the client runs. */
export interface Tamper {
  /** Gives what the client gets in place of an envelope of the server; undefined loses it. */
  incoming?: ((envelope: Envelope) => Envelope | undefined) | undefined
  /** Told each frame that the client sends, decoded. */
  outgoing?: ((envelopes: Envelope[]) => void) | undefined
  /** The sockets made so far, oldest first. */
  readonly sockets: WebSocket[]
}

/** A constructor of real WebSockets, to the real server, whose frames a test can lose, change and look at. */
export function tamperedWebSocket(tamper: Tamper): WebSocketConstructor {
  function make(url: string, protocols: string[]): WebSocket {
    const socket = new WebSocket(url, protocols)
    tamper.sockets.push(socket)
    const send = socket.send.bind(socket)
    socket.send = (frame) => {
      tamper.outgoing?.(decode(String(frame)))
      send(frame)
    }
    let handler: WebSocket['onmessage'] = null
    Object.defineProperty(socket, 'onmessage', { get: () => handler, set: (given) => handler = given })
    socket.addEventListener('message', (event) => {
      const change = tamper.incoming ?? ((envelope) => envelope)
      const kept = decode(event.data).map(change).filter((envelope) => envelope !== undefined)
      if (kept.length === 0) return
      handler?.call(socket, new MessageEvent('message', { data: JSON.stringify(kept) }))
    })
    return socket
  }
  return make as unknown as WebSocketConstructor
}

function decode(frame: string): Envelope[] {
  const value = JSON.parse(frame) as Envelope | Envelope[]
  return Array.isArray(value) ? value : [value]
}
