/**
 * A client's outbox in a file, for Bun, Deno and Node.
 *
 * @module
 */
export { fileOutbox } from './file_outbox.ts'
export type { FileOutbox } from './file_outbox.ts'
