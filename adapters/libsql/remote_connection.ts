import { type Client, createClient } from '@libsql/client/web'
import { RotundaError } from '../../src/protocol/mod.ts'
import type { Write } from './append.ts'
import { clientConnection, openLog, reasonOf, type Role, type Run, unavailable } from './client_connection.ts'
import type { Connection } from './connection.ts'
import { type LibsqlSettings, shownUrl } from './options.ts'
import { whileLocked } from './while_locked.ts'

/**
 * Opens a database over the network, with fetch or a WebSocket and nothing else. Tries once: rejects with
 * `invalid_config` when the database refuses the token, with `store_unavailable` when it does not answer.
 */
export async function openRemoteConnection(settings: LibsqlSettings, role: Role): Promise<Connection> {
  const name = JSON.stringify(shownUrl(settings.url))
  const client = openClient(settings, name)
  const run: Run = async (what, work) => {
    try {
      return await withDeadline(settings.requestTimeout, work)
    } catch (error) {
      const refused = isRefusal(error) ? 'the database does not take authToken any more: ' : ''
      throw unavailable(error, `${what} ${name} failed: ${refused}${reasonOf(error)}`)
    }
  }
  try {
    const epoch = await withDeadline(settings.requestTimeout, () => openLog(client, role, name))
    const write: Write = (statements) => whileLocked(() => client.batch(statements, 'write'))
    const connection = clientConnection(client, epoch, run, write)
    const inTurn = oneAtATime()
    return {
      ...connection,
      commit: (batch) => inTurn(() => connection.commit(batch)),
      trim: (cuts) => inTurn(() => connection.trim(cuts)),
    }
  } catch (error) {
    client.close()
    if (isRefusal(error)) throw refusal(error, settings, name)
    throw unavailable(
      error,
      `libsqlStore: url is ${name}, which cannot be used: ${
        reasonOf(error)
      }. Check its host, port and path, and that ` +
        'the database runs; opening is tried once.',
    )
  }
}

function openClient({ url, authToken, requestTimeout }: LibsqlSettings, name: string): Client {
  const abortable = (request: Request) => fetch(request, { signal: AbortSignal.timeout(requestTimeout) })
  try {
    return createClient({ url, ...(authToken !== null && { authToken }), fetch: abortable })
  } catch (error) {
    const message = `libsqlStore: url is ${name}, which cannot be opened: ${reasonOf(error)}`
    throw new RotundaError('invalid_config', message, { cause: error })
  }
}

/** Writers that ask sqld for its lock at the same time can keep each other from it for half a minute. */
function oneAtATime(): <T>(write: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (write) => {
    const written = last.then(write)
    last = written.catch(() => {})
    return written
  }
}

async function withDeadline<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${milliseconds} ms (requestTimeout)`)
    timer = setTimeout(() => reject(error), milliseconds)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** HTTP tells of a refused token with its status, the WebSocket with a code of the database. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { status, code } = error as { status?: unknown; code?: unknown }
  return status === 401 || status === 403 || String(code).startsWith('AUTH_') || isRefusal(error.cause)
}

function refusal(error: unknown, { authToken }: LibsqlSettings, name: string): RotundaError {
  const state = authToken === null ? 'missing' : '(hidden)'
  return new RotundaError(
    'invalid_config',
    `libsqlStore: authToken is ${state}, and the database ${name} refuses it (${
      reasonOf(error)
    }). It must be a token ` +
      'made for this database that has not expired; `turso db tokens create <database>` makes one.',
    { cause: error },
  )
}
