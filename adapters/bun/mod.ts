/**
 * rotunda on Bun: `serve` for a server of its own, `bunHandlers` for applications that own their `Bun.serve`.
 *
 * @module
 */
export { bunHandlers } from './handlers.ts'
export type { BunHandlers, BunOptions } from './handlers.ts'
export type { BunServer, BunSocket, BunWebSocketHandler } from './runtime.ts'
export { serve } from './serve.ts'
export type { BunServeOptions } from './serve.ts'
export { serveHttp } from './serve_http.ts'
