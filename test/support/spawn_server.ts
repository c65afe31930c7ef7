import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Limits } from '../../src/mod.ts'
import type { FixtureEvent } from './hosts/fixture_hub.ts'

/** The hosts that rotunda runs on; `hono-*` is mounted in a Hono app that owns its server. */
export const HOSTS = ['bun', 'deno', 'hono-bun', 'hono-deno'] as const
export type HostName = typeof HOSTS[number]

/** What `room_server.ts` takes. */
export interface RoomServerOptions {
  /** What serves it. Default `bun`. */
  readonly host?: HostName
  readonly port?: number
  /** Database URL; in memory when absent. */
  readonly database?: string
  /** Loosely typed, so that what is not allowed can be tried. */
  readonly limits?: { readonly [K in keyof Limits]?: unknown } & { readonly [name: string]: unknown }
  /** Whether it notes what handlers are told, for `events()`, and obeys `!` commands. */
  readonly events?: boolean
  /** Seconds within which clients are told to come back when it is stopped. */
  readonly drain?: number
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
  /** What its hub told its handlers, where that is noted. */
  events(): Promise<FixtureEvent[]>
  /** Ends it, with SIGTERM unless said otherwise; resolves when it has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** The Bun that the project has installed, whichever runtime runs the tests. */
export const BUN: string = fileURLToPath(import.meta.resolve('../../node_modules/.bin/bun'))
let denoPath: string | undefined

/** The Deno that the project has installed: the program itself, since its launcher hands no signals on. */
export function denoBinary(): string {
  const launcher = fileURLToPath(import.meta.resolve('../../node_modules/.bin/deno'))
  return denoPath ??= execFileSync(launcher, ['eval', 'console.log(Deno.execPath())'], { encoding: 'utf8' }).trim()
}

/**
 * Starts a real server in a process of its own; resolves when it listens.
 * @throws with its stderr in the message when it ends before that.
 */
export async function spawnServer(options: RoomServerOptions = {}): Promise<SpawnedServer> {
  const script = fileURLToPath(import.meta.resolve('./room_server.ts'))
  const [command, ...run] = options.host?.endsWith('deno') ? [denoBinary(), 'run', '-A', '--no-check'] : [BUN, 'run']
  const child = spawn(command, [...run, script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
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
    events: async () => await (await fetch(`${url}/events`)).json() as FixtureEvent[],
    memory: async () => await (await fetch(`${url}/memory`)).json() as number,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await ended
    },
  }
}
