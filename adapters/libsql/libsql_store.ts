import type { MessageStore } from '../../src/storage/mod.ts'
import type { Role } from './client_connection.ts'
import type { Lasting } from './lane.ts'
import { type LibsqlOptions, type LibsqlSettings, libsqlSettings } from './options.ts'
import { openRemoteConnection } from './remote_connection.ts'
import { openStore } from './store.ts'
import { openWorkerConnection } from './worker_connection.ts'

/**
 * Opens a log in a libSQL database: a local file (WAL, each commit flushed) or a remote Turso or sqld, with the same
 * code. Creates the file, its folder and the tables where they are missing. Several processes may use one database.
 *
 * A file is worked on in two Web Workers where the host has them: one commits, the other, started when first needed,
 * reads, so that neither a commit nor a storm of reconnecting clients stops the event loop or the commits.
 *
 * A remote database is tried once, for at most `requestTimeout`, and the call rejects when it does not answer: whoever
 * starts the process (systemd, a container's restart policy) is the one to try again. Once open, the store outlives the
 * database: calls reject while it is away and succeed again when it is back.
 *
 * Messages are rows of `ws_messages`; `sqlite3` can read them at any time.
 *
 * @throws {RotundaError} `invalid_config` for an option that is wrong, a file that cannot be opened or a token that the
 * database refuses, saying which and what is allowed; `store_unavailable` when the database does not answer. Calls on
 * the store reject with `store_unavailable`; after such an append, the batch is perhaps stored.
 *
 * @example
 * ```ts
 * const store = await libsqlStore({ url: 'file:data/rotunda.db' })
 * const turso = await libsqlStore({ url: 'libsql://chat-me.turso.io', authToken: secret })
 * ```
 */
export async function libsqlStore(options: LibsqlOptions): Promise<MessageStore> {
  const settings = libsqlSettings(options)
  // Without workers a second connection would gain nothing.
  return await openStore((role) => open(settings, role), settings.worker)
}

async function open(settings: LibsqlSettings, role: Role): Promise<Lasting> {
  if (settings.path === null) return await openRemoteConnection(settings, role)
  if (settings.worker) return await openWorkerConnection(settings, role)
  const { openFileConnection } = await import('./file_connection.ts')
  return await openFileConnection(settings, role)
}
