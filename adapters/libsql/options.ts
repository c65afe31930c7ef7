import { RotundaError } from '../../src/protocol/mod.ts'

/** Options of {@link libsqlStore}. */
export interface LibsqlOptions {
  /**
   * Where the database is: `file:data/rotunda.db` (relative), `file:/var/lib/rotunda.db` (absolute), or the
   * `libsql:`, `https:`, `http:`, `wss:` or `ws:` URL of Turso or sqld. A file's folder is created.
   */
  readonly url: string
  /** Token for a remote database. */
  readonly authToken?: string
  /** Milliseconds to wait for another process's write on a file. Default 5000, at most 600,000. */
  readonly busyTimeout?: number
  /**
   * `full` (default) flushes every commit to the disk. `normal` leaves the last commits to the operating system:
   * they survive a crash of the process, not of the machine.
   */
  readonly synchronous?: 'full' | 'normal'
  /** Milliseconds a remote database may take to answer before the call rejects. Default 30,000, at most 600,000. */
  readonly requestTimeout?: number
  /** Keep the event loop free by working on a file in Web Workers. Default: where the host has them. */
  readonly worker?: boolean
}

/** Options checked and completed; plain data, so that a worker can be given them. */
export interface LibsqlSettings {
  readonly url: string
  /** Path of the file, null for a remote database. */
  readonly path: string | null
  readonly authToken: string | null
  readonly busyTimeout: number
  readonly synchronous: 'full' | 'normal'
  readonly requestTimeout: number
  readonly worker: boolean
}

const MAX_WAIT = 600_000
const REMOTE_SCHEMES = ['libsql', 'https', 'http', 'wss', 'ws']

const REMOTE_URLS = 'libsql://, https://, http://, wss:// or ws:// URL'

/**
 * Checks options and fills in defaults; `files` says whether the entry can open files. Throws `invalid_config` naming the
 * option, its value and what is allowed.
 */
export function libsqlSettings(options: LibsqlOptions, files = true): LibsqlSettings {
  const { url, authToken, busyTimeout = 5000, synchronous = 'full', requestTimeout = 30_000, worker } = options
  const scheme = typeof url === 'string' ? /^([A-Za-z][A-Za-z0-9.+-]*):/.exec(url)?.[1]?.toLowerCase() : undefined
  const remote = scheme !== undefined && REMOTE_SCHEMES.includes(scheme)
  if (!remote && scheme !== 'file') refuse('url', url, `a ${files ? 'file:<path>, ' : ''}${REMOTE_URLS}`)
  if (!remote && !files) {
    refuse('url', url, `a ${REMOTE_URLS} for rotunda/libsql/web, which opens no files; rotunda/libsql does`)
  }
  if (remote && !URL.canParse(url)) refuse('url', url, `a complete ${scheme}://host[:port] URL`)
  if (authToken !== undefined && typeof authToken !== 'string') refuse('authToken', typeof authToken, 'a string')
  if (authToken !== undefined && !remote) refuse('authToken', '(hidden)', 'left out for a file')
  if (synchronous !== 'full' && synchronous !== 'normal') refuse('synchronous', synchronous, '"full" or "normal"')
  if (worker !== undefined && typeof worker !== 'boolean') refuse('worker', worker, 'true or false')
  if (worker && remote) refuse('worker', worker, 'true only with a file: URL; a remote database does not block')
  if (worker && typeof Worker !== 'function') refuse('worker', worker, 'false here: this runtime has no Web Workers')
  return {
    url,
    path: remote ? null : filePath(url),
    authToken: authToken ?? null,
    busyTimeout: wait('busyTimeout', busyTimeout, 0),
    synchronous,
    requestTimeout: wait('requestTimeout', requestTimeout, 1),
    worker: worker ?? (!remote && typeof Worker === 'function'),
  }
}

/** The URL as it may be shown: without user, password and query, where secrets are put. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, '')
}

function wait(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= MAX_WAIT) return value
  return refuse(name, value, `a whole number of milliseconds from ${least} to ${MAX_WAIT}`)
}

function filePath(url: string): string {
  const match = /^file:(?:\/\/(?:localhost)?(?=\/))?([^?#]*)$/is.exec(url)
  const path = match?.[1]
  if (!path || path.startsWith('//')) {
    return refuse('url', url, 'file:relative/path, file:/absolute/path or file:///absolute/path')
  }
  // Each connection would have its own.
  if (path.includes(':memory:')) return refuse('url', url, 'the path of a file; use memoryStore() to keep nothing')
  try {
    return decodeURIComponent(path)
  } catch {
    return refuse('url', url, 'a path whose % signs are written %25')
  }
}

function refuse(name: string, value: unknown, allowed: string): never {
  const shown = typeof value === 'string' ? JSON.stringify(name === 'url' ? shownUrl(value) : value) : String(value)
  throw new RotundaError('invalid_config', `libsqlStore: ${name} is ${shown}; it must be ${allowed}.`)
}
