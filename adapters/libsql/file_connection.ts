import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Client } from '@libsql/client/sqlite3'
import { RotundaError } from '../../src/protocol/mod.ts'
import { clientConnection, openLog, reasonOf, type Role, type Run, unavailable } from './client_connection.ts'
import type { Connection } from './connection.ts'
import { type LibsqlSettings, shownUrl } from './options.ts'

/** Opens a file in this thread. Rejects with `invalid_config` or `store_unavailable`, saying what failed. */
export async function openFileConnection(settings: LibsqlSettings, role: Role): Promise<Connection> {
  const name = JSON.stringify(shownUrl(settings.url))
  const client = await openClient(settings, name)
  let restore = false
  const run: Run = async (what, work) => {
    try {
      // A failed call may have cost the client its connection, and with it what was set on it.
      if (restore) await setPragmas(client, settings, name)
      restore = false
      return await work()
    } catch (error) {
      restore = true
      throw unavailable(error, `${what} ${name} failed: ${reasonOf(error)}`)
    }
  }
  try {
    await setPragmas(client, settings, name)
    return clientConnection(client, await openLog(client, role, name), run)
  } catch (error) {
    client.close()
    throw unavailable(error, `Opening ${name} failed: ${reasonOf(error)}`)
  }
}

async function openClient({ url, path, busyTimeout }: LibsqlSettings, name: string): Promise<Client> {
  try {
    if (path !== null) await mkdir(dirname(path), { recursive: true })
    // Not at the top: a machine without the native code should be told so as with any file that cannot be opened.
    const { createClient } = await import('@libsql/client/sqlite3')
    // One connection: PRAGMAs belong to a connection, and calls are answered in the order they were made.
    return createClient({ url, timeout: busyTimeout, concurrency: 1 })
  } catch (error) {
    const message = `libsqlStore: url is ${name}, which cannot be opened: ${reasonOf(error)}`
    throw new RotundaError('invalid_config', message, { cause: error })
  }
}

async function setPragmas(client: Client, settings: LibsqlSettings, name: string): Promise<void> {
  const journal = await journalMode(client, Date.now() + settings.busyTimeout)
  if (journal !== 'wal') {
    throw new RotundaError(
      'store_unavailable',
      `The database ${name} does not take journal_mode=WAL (it answers ${JSON.stringify(journal)}). ` +
        'Put it on a local file system that supports shared memory.',
    )
  }
  const wanted = settings.synchronous === 'full' ? 2 : 1
  await client.execute(`PRAGMA synchronous=${wanted}`)
  const { rows } = await client.execute('PRAGMA synchronous')
  const answer = rows[0]?.['synchronous']
  if (answer === wanted) return
  throw new RotundaError(
    'store_unavailable',
    `The database ${name} does not take synchronous=${settings.synchronous} (it answers ${answer}).`,
  )
}

async function journalMode(client: Client, until: number): Promise<unknown> {
  for (;;) {
    try {
      const { rows } = await client.execute('PRAGMA journal_mode=WAL')
      return rows[0]?.['journal_mode']
    } catch (error) {
      // SQLite does not apply the busy timeout to this change: another process opening a new database is enough.
      if (!isBusy(error) || Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}
