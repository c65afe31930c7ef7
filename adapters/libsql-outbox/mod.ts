/**
 * A client's outbox in a libSQL database.
 *
 * @module
 */
export { libsqlOutbox } from './libsql_outbox.ts'
export type { LibsqlOutbox, LibsqlOutboxOptions } from './libsql_outbox.ts'
