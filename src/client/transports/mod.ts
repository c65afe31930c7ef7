/**
 * Other ways to a server where WebSockets are blocked, for rotunda's client.
 *
 * @module
 */
export { fallback } from './fallback.ts'
export type { Fallback, FallbackOptions } from './fallback.ts'
export type { HttpOptions } from './http_transport.ts'
export { longPolling } from './long_polling.ts'
export type { LongPollingOptions } from './long_polling.ts'
export { sse } from './sse.ts'
export type { Transport, TransportSocket } from './transport.ts'
export { webSocket } from './web_socket.ts'
