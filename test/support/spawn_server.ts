import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Limits } from '../../src/mod.ts'

/** What `room_server.ts` takes. */
export interface RoomServerOptions {
  readonly port?: number
  /** Database URL; in memory when absent. */
  readonly database?: string
  /** Loosely typed, so that what is not allowed can be tried. */
  readonly limits?: { readonly [K in keyof Limits]?: unknown } & { readonly [name: string]: unknown }
  /** Messages that a room holds from the start, and how many of the first ones are removed again. */
  readonly seed?: { readonly room: string; readonly messages: number; readonly trimmed: number }
}

/** A running `room_server.ts`. */
export interface SpawnedServer {
  readonly process: ChildProcess
  readonly port: number
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** What it has written to stderr so far. */
  readonly stderr: () => string
  /** False once it has ended, for whatever reason. */
  readonly isAlive: () => boolean
  /** Bytes it holds. */
  memory(): Promise<number>
  /** Ends it, with SIGTERM unless said otherwise; resolves when it has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** The Bun that the project has installed, whichever runtime runs the tests. */
export const BUN: string = fileURLToPath(import.meta.resolve('../../node_modules/.bin/bun'))

/**
 * Starts a real server in a process of its own; resolves when it listens.
 * @throws with its stderr in the message when it ends before that.
 */
export async function spawnServer(options: RoomServerOptions = {}): Promise<SpawnedServer> {
  const script = fileURLToPath(import.meta.resolve('./room_server.ts'))
  const child = spawn(BUN, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk) => stderr += chunk)
  // The test process may be ended before it stops what it started.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      process.off('exit', kill)
      resolve()
    })
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      const ready = /^ready (\d+)$/m.exec(stdout += chunk)
      if (ready !== null) resolve(Number(ready[1]))
    })
    child.once('error', reject)
    void ended.then(() =>
      reject(new Error(`The server ended with code ${child.exitCode} before it listened: ${stderr}`))
    )
  })
  const url = `http://127.0.0.1:${port}`
  return {
    process: child,
    port,
    url,
    stderr: () => stderr,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    memory: async () => await (await fetch(`${url}/memory`)).json() as number,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await ended
    },
  }
}
