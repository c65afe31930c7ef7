/**
 * The libSQL store for edge hosts: a remote Turso or sqld over fetch or WebSocket. No native code, no file system, no
 * workers; otherwise what `rotunda/libsql` is.
 *
 * @module
 */
import type { MessageStore } from '../../src/storage/mod.ts'
import { type LibsqlOptions, libsqlSettings } from './options.ts'
import { openRemoteConnection } from './remote_connection.ts'
import { openStore } from './store.ts'

export type { LibsqlOptions } from './options.ts'
export { wsMessages, wsMeta, wsTrims } from './schema.ts'

/**
 * Opens a log in a remote libSQL database, as `libsqlStore` of `rotunda/libsql` does, with its options; those that are
 * about files have no effect. Creates the tables where they are missing. Several instances may use one database.
 *
 * Tried once, for at most `requestTimeout`: a host that starts instances for requests tries again with the next one.
 *
 * @throws {RotundaError} `invalid_config` for an option that is wrong or a token that the database refuses;
 * `store_unavailable` when the database does not answer. Calls on the store reject with `store_unavailable`; after such
 * an append, the batch is perhaps stored.
 *
 * @example
 * ```ts
 * const store = await libsqlStore({ url: 'libsql://chat-me.turso.io', authToken: secret })
 * ```
 */
export async function libsqlStore(options: LibsqlOptions): Promise<MessageStore> {
  const settings = libsqlSettings(options, false)
  return await openStore((role) => openRemoteConnection(settings, role), false)
}
