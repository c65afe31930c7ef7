/**
 * rotunda in a Hono app, on Bun and on Deno.
 *
 * @module
 */
export { realtime } from './realtime.ts'
export type { RealtimeOptions } from './realtime.ts'
export { withContext } from './with_context.ts'
export type { HonoRawRoute } from './with_context.ts'
