/** The libSQL store: a local file, Turso or sqld. */
export { libsqlStore } from './libsql_store.ts'
export type { LibsqlOptions } from './options.ts'
export { wsMessages, wsMeta, wsTrims } from './schema.ts'
