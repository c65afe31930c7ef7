import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import type { TokenSource } from '../../adapters/jwt/mod.ts'
import type {
  FallbackOptions,
  Limits,
  OnExpiry,
  OriginList,
  QuotaRule,
  RawLimits,
  RetentionRule,
} from '../../src/mod.ts'
import type { CrowdOptions } from './hosts/crowd.ts'
import type { FixtureEvent } from './hosts/fixture_events.ts'

/** The hosts that rotunda runs on; `hono-*` is mounted in a Hono app that owns its server. */
export const HOSTS = ['bun', 'deno', 'hono-bun', 'hono-deno'] as const
export type HostName = typeof HOSTS[number]

/** What `room_server.ts` takes. */
export interface RoomServerOptions {
  /** What serves it. Default `bun`. */
  readonly host?: HostName
  /** What runs it, where that is to be the wrong one. */
  readonly runtime?: 'bun' | 'deno'
  /** What is wrong with how the Hono app is served. */
  readonly mistake?: 'no server' | 'no websocket'
  /** Whether frames may be compressed. */
  readonly compression?: boolean
  readonly port?: number
  /** Database URL; in memory when absent. */
  readonly database?: string
  /** Whether the database is opened with the store for edge hosts. */
  readonly edge?: boolean
  /** Loosely typed, so that what is not allowed can be tried. */
  readonly limits?: { readonly [K in keyof Limits]?: unknown } & { readonly [name: string]: unknown }
  readonly quotas?: readonly QuotaRule[]
  /** What it keeps of rooms, looked at twenty times a second. */
  readonly retention?: readonly RetentionRule[]
  /** Whether it has replaced two of rotunda's own requests. */
  readonly overrides?: boolean
  /** How it finds out who somebody is; without it nobody is anybody. Keys are a secret, or at a URL. */
  readonly auth?: {
    readonly secret?: string
    readonly jwks?: string
    readonly from?: readonly TokenSource[]
    readonly anonymous?: boolean
    readonly onExpiry?: OnExpiry
    /** Whether it takes until somebody asks for `/admit`. */
    readonly held?: boolean
  }
  readonly origins?: OriginList
  readonly trustProxy?: number
  /** The node's name. */
  readonly node?: string
  readonly presence?: { readonly grace?: number; readonly lease?: number; readonly maxState?: number }
  /** Port of a relay that connects it with other nodes. */
  readonly relay?: number
  /** Patterns of the rooms that take encrypted payloads only. */
  readonly encrypted?: readonly string[]
  /** How its sessions over SSE and long polling are kept. */
  readonly fallback?: FallbackOptions
  /** Limits of its raw service at `/raw`; without them it has no raw services. */
  readonly raw?: { readonly [K in keyof RawLimits]?: unknown } & { readonly [name: string]: unknown }
  /** Whether it notes what handlers are told, for `events()`, and obeys `!` commands. */
  readonly events?: boolean
  /** Whether it counts by type, and gives its metrics out at `/metrics`. */
  readonly metrics?: boolean
  /** Seconds within which clients are told to come back when it is stopped. */
  readonly drain?: number
  /** How its inspector is protected and what it shows; without it there is none. Loosely typed, as limits are. */
  readonly inspector?: { readonly [name: string]: unknown }
  /** Sessions without a network that it has from the start. */
  readonly crowd?: CrowdOptions
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
  /** Sessions it has. */
  sessions(): Promise<number>
  /** What its hub told its handlers, where that is noted. */
  events(): Promise<FixtureEvent[]>
  /** The first of that with these fields, as soon as it is there. */
  event(fields: Partial<FixtureEvent>): Promise<FixtureEvent>
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
 * @param spawned Given the process as soon as there is one.
 * @throws with its stderr in the message when it ends before that.
 */
export async function spawnServer(
  options: RoomServerOptions = {},
  spawned: (child: ChildProcess) => void = () => {},
): Promise<SpawnedServer> {
  const script = fileURLToPath(import.meta.resolve('./room_server.ts'))
  const runtime = options.runtime ?? (options.host?.endsWith('deno') ? 'deno' : 'bun')
  const [command, ...run] = runtime === 'deno' ? [denoBinary(), 'run', '-A', '--no-check'] : [BUN, 'run']
  const child = spawn(command, [...run, script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  spawned(child)
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
    sessions: async () => (await (await fetch(`${url}/health`)).json() as { sessions: number }).sessions,
    events: async () => await (await fetch(`${url}/events`)).json() as FixtureEvent[],
    event: (fields) => eventOf(url, fields),
    memory: async () => await (await fetch(`${url}/memory`)).json() as number,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await ended
    },
  }
}

/** The server holds the answer back until there is such an event, or too long for the runtimes' liking. */
async function eventOf(url: string, fields: Partial<FixtureEvent>): Promise<FixtureEvent> {
  const wanted = encodeURIComponent(JSON.stringify(fields))
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/event?fields=${wanted}`)
    const event = await response.json() as FixtureEvent | null
    if (event !== null) return event
  }
  throw new Error(`There is no event ${JSON.stringify(fields)}.`)
}
