/**
 * rotunda on Bun: `serve` for a server of its own, `bunHandlers` for applications that own their `Bun.serve`.
 *
 * @module
 */
export { bunHandlers } from './handlers.ts'
export type { BunHandlers } from './handlers.ts'
export { serve } from './serve.ts'
export { serveHttp } from './serve_http.ts'
