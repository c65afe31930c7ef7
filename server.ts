/**
 * A ready-to-run server: `bun run server.ts`. One process, one port, one libSQL file, and a chat page at `/`.
 * Settings: `SERVER_PORT` or `PORT`, `DATABASE_URL`, `DATABASE_AUTH_TOKEN`.
 */
import { resolve } from 'node:path'
import { serve } from './adapters/bun/mod.ts'
import { libsqlStore } from './adapters/libsql/mod.ts'
import { chat } from './examples/chat/protocol.ts'
import { buildSite } from './examples/chat/site.ts'
import { createHub, type MessageStore, RotundaError, type RotundaServer } from './src/mod.ts'

const DEFAULT_PORT = 8080
const database = process.env['DATABASE_URL'] || 'file:data/rotunda.db'
const authToken = process.env['DATABASE_AUTH_TOKEN']

async function start(): Promise<void> {
  const wanted = portSetting()
  const site = await buildSite()
  const store = await openStore()
  const hub = createHub({ protocol: chat, store })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const listen = (port: number) => serve(hub, { port, fetch: site })
  const server = wanted === undefined ? listenOnDefault(listen) : listen(wanted)
  stopOnSignal(server)
  const note = wanted === undefined && server.port !== DEFAULT_PORT ? `  (${DEFAULT_PORT} is in use)` : ''
  const base = `//localhost:${server.port}`
  console.log(`\n  rotunda listens\n
  page       http:${base}/${note}
  websocket  ws:${base}/ws
  data       ${whereDataLies()}
  stop       Ctrl+C\n`)
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

async function openStore(): Promise<MessageStore> {
  try {
    return await libsqlStore({ url: database, ...(authToken ? { authToken } : {}) })
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

function stopOnSignal(server: RotundaServer): void {
  let stopping = false
  const stop = () => {
    if (stopping) process.exit(1)
    stopping = true
    server.stop().then(() => process.exit(0), fail)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

/** The file's absolute path, or the remote database without the secrets that its URL may carry. */
function whereDataLies(): string {
  if (!/^file:/i.test(database)) return new URL(database).host
  return resolve(decodeURIComponent(database.replace(/^file:(\/\/(localhost)?(?=\/))?/i, '')))
}

function fail(error: unknown): never {
  console.error(`rotunda: ${messageOf(error)}`)
  process.exit(1)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

start().catch(fail)
