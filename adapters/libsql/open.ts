import type { Client, Config } from '@libsql/client/web'
import { RotundaError } from '../../src/protocol/mod.ts'
import { append } from './append.ts'
import type { Connection } from './connection.ts'
import { migrate, readMeta } from './migrations.ts'
import { type LibsqlSettings, shownUrl } from './options.ts'
import { prepareReads } from './read.ts'
import { trim } from './trim.ts'

/** Whether the connection may create and migrate the database, or expects it ready. */
export type Role = 'writer' | 'reader'

/** Opens a database in this thread. Rejects with `invalid_config` or `store_unavailable`, saying what failed. */
export async function openConnection(settings: LibsqlSettings, role: Role): Promise<Connection> {
  const name = JSON.stringify(shownUrl(settings.url))
  const client = await openClient(settings, name)
  try {
    if (settings.path !== null) await setPragmas(client, settings, name)
    const epoch = await withDeadline(settings, async () => {
      return role === 'writer' ? await migrate(client, name) : (await readMeta(client))?.epoch ?? ''
    })
    return connection(client, epoch, settings, name)
  } catch (error) {
    client.close()
    throw unavailable(error, `Opening ${name} failed`)
  }
}

function connection(client: Client, epoch: string, settings: LibsqlSettings, name: string): Connection {
  const reads = prepareReads(client)
  let restore = false
  async function run<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      // A failed call may have cost the client its connection, and with it what was set on it.
      if (restore && settings.path !== null) await setPragmas(client, settings, name)
      restore = false
      return await withDeadline(settings, work)
    } catch (error) {
      restore = true
      throw unavailable(error, `${what} ${name} failed`)
    }
  }
  return {
    epoch,
    commit: (batch) => run('Appending to', () => append(client, batch)),
    page: (query) => run('Reading', () => reads.page(query).catch(nullIfTooBig)),
    extent: (room) => run('Reading', () => reads.extent(room)),
    trim: (room, through) => run('Trimming', () => trim(client, room, through)),
    close: () => Promise.resolve(client.close()),
  }
}

async function openClient(settings: LibsqlSettings, name: string): Promise<Client> {
  // One connection: PRAGMAs belong to a connection, and calls are answered in the order they were made.
  const { url, path, authToken, busyTimeout, requestTimeout } = settings
  try {
    if (path === null) {
      const { createClient } = await import('@libsql/client/web')
      const abortable = (request: Request) => fetch(request, { signal: AbortSignal.timeout(requestTimeout) })
      return createClient({ url, ...(authToken !== null && { authToken }), fetch: abortable })
    }
    const { mkdir } = await import('node:fs/promises')
    const { dirname } = await import('node:path')
    await mkdir(dirname(path), { recursive: true })
    // Native code, which edge hosts do not have: only a file needs it.
    const { createClient } = await import('@libsql/client/sqlite3')
    const config: Config = { url, timeout: busyTimeout, concurrency: 1 }
    return createClient(config)
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
  if (rows[0]?.['synchronous'] !== wanted) {
    throw new RotundaError(
      'store_unavailable',
      `The database ${name} does not take synchronous=${settings.synchronous} (it answers ${
        rows[0]?.['synchronous']
      }).`,
    )
  }
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

async function withDeadline<T>(settings: LibsqlSettings, work: () => Promise<T>): Promise<T> {
  if (settings.path !== null) return work()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${settings.requestTimeout} ms (requestTimeout)`)),
      settings.requestTimeout,
    )
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

function unavailable(error: unknown, what: string): RotundaError {
  if (error instanceof RotundaError) return error
  return new RotundaError('store_unavailable', `${what}: ${reasonOf(error)}`, { cause: error })
}

function nullIfTooBig(error: unknown): null {
  // Told by SQLite for one text, by sqld for one answer.
  if (/too big|too large|TOO_LARGE|TOOBIG/i.test(reasonOf(error))) return null
  throw error
}

// The innermost message: drizzle's own quotes the whole statement and its values.
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message
}
