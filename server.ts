/**
 * A ready-to-run server: `bun run server.ts`. One process, one port, one libSQL file, and a chat page at `/`.
 * Settings: `SERVER_PORT` or `PORT`, and the variables of docs/configuration.md.
 */
import { resolve } from 'node:path'
import { serve } from './adapters/bun/mod.ts'
import { libsqlStore } from './adapters/libsql/mod.ts'
import { chat } from './examples/chat/protocol.ts'
import { buildSite } from './examples/chat/site.ts'
import {
  type Configuration,
  createHub,
  loadConfiguration,
  type MessageStore,
  RotundaError,
  type RotundaServer,
} from './src/mod.ts'

const DEFAULT_PORT = 8080

async function start(): Promise<void> {
  const wanted = portSetting()
  const { database, limits, websocket, server: address } = loadConfiguration({ environment: process.env })
  const site = await buildSite()
  const store = await openStore(database)
  const hub = createHub({ protocol: chat, store, limits })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const listen = (port: number) =>
    serve(hub, { port, ...hostname(address.host), compression: websocket.enableDeflate, fetch: site })
  const server = wanted === undefined ? listenOnDefault(listen) : listen(wanted)
  stopOnSignal(server, websocket.drain)
  const note = wanted === undefined && server.port !== DEFAULT_PORT ? `  (${DEFAULT_PORT} is in use)` : ''
  const base = `//localhost:${server.port}`
  console.log(`\n  rotunda listens\n
  page       http:${base}/${note}
  websocket  ws:${base}/ws
  data       ${whereDataLies(database.url)}
  stop       Ctrl+C\n`)
}

/** Without an address to listen on, Bun takes all of them, IPv6 too. */
function hostname(host: string): { hostname?: string } {
  return host === '0.0.0.0' ? {} : { hostname: host }
}

/** The port asked for; undefined when none is. */
function portSetting(): number | undefined {
  const name = process.env['SERVER_PORT'] ? 'SERVER_PORT' : 'PORT'
  const value = process.env[name]
  if (!value) return undefined
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value)
  const allowed = 'a whole number from 0 to 65535 (0 takes any free port)'
  throw new RotundaError('invalid_config', `${name} is ${JSON.stringify(value)}; it must be ${allowed}.`)
}

async function openStore(database: Configuration['database']): Promise<MessageStore> {
  try {
    return await libsqlStore(database)
  } catch (error) {
    throw new RotundaError('invalid_config', `DATABASE_URL: ${messageOf(error)}`, { cause: error })
  }
}

function listenOnDefault(listen: (port: number) => RotundaServer): RotundaServer {
  try {
    return listen(DEFAULT_PORT)
  } catch {
    return listen(0)
  }
}

function stopOnSignal(server: RotundaServer, drain: number): void {
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    server.stop({ drain }).then(() => process.exit(0), fail)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

/** The file's absolute path, or the remote database without the secrets that its URL may carry. */
function whereDataLies(url: string): string {
  if (!/^file:/i.test(url)) return new URL(url).host
  return resolve(decodeURIComponent(url.replace(/^file:(\/\/(localhost)?(?=\/))?/i, '')))
}

function fail(error: unknown): never {
  console.error(`rotunda: ${messageOf(error)}`)
  process.exit(1)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

start().catch(fail)
