export { createRouter } from './handler.ts'
export type { Routed, RouteOptions, Upgrade } from './handler.ts'
export { errorResponse } from './handshake.ts'
