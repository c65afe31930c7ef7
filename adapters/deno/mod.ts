/**
 * rotunda on Deno: `serve` for a server of its own, `denoHandler` for applications that own their `Deno.serve`.
 *
 * @module
 */
export { denoHandler } from './handler.ts'
export type { DenoHandler } from './handler.ts'
export type { DenoServeInfo } from './runtime.ts'
export { serve } from './serve.ts'
export { serveHttp } from './serve_http.ts'
