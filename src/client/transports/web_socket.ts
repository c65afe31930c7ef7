import type { WebSocketConstructor } from '../connection/connection.ts'
import type { Transport, TransportSocket } from './transport.ts'

/**
 * A WebSocket: the fastest way where nothing is in it.
 * @param WebSocket What makes it. Default: the global one.
 */
export function webSocket(WebSocket: WebSocketConstructor = globalThis.WebSocket): Transport {
  return {
    name: 'websocket',
    open: (url, protocols) => new WebSocket(url, protocols) as unknown as TransportSocket,
  }
}
