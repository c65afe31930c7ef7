/**
 * A ready-to-run server: `bun run server.ts`. One process, one libSQL file, a chat page at `/`, and metrics for Prometheus
 * on a port of their own that only this machine can reach.
 * Settings: `SERVER_PORT` or `PORT`, and the variables of docs/configuration.md.
 */
import { resolve } from 'node:path'
import { serve, serveHttp } from './adapters/bun/mod.ts'
import { libsqlStore } from './adapters/libsql/mod.ts'
import { type PrometheusMetrics, prometheusMetrics } from './adapters/prometheus/mod.ts'
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
  const configuration = loadConfiguration({ environment: process.env })
  const { database, limits, quotas, quotaMode, websocket, fallback, metrics, inspector, server: address } =
    configuration
  const site = await buildSite()
  const store = await openStore(database)
  const hub = createHub({
    protocol: chat,
    store,
    limits,
    quotas,
    quotaMode,
    trustProxy: websocket.trustProxy,
    ...(websocket.origins === undefined ? {} : { origins: websocket.origins }),
  })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const exporter = metrics.enabled ? prometheusMetrics(hub, { token: metrics.token }) : undefined
  const isShared = metricsPortIsSet() && metrics.port > 0 && metrics.port === (wanted ?? DEFAULT_PORT)
  const fetch = isShared ? exporter?.or(site) ?? site : site
  const options = { ...hostname(address.host), compression: websocket.enableDeflate, fallback, inspector, fetch }
  const listen = (port: number) => serve(hub, { port, ...options })
  const server = wanted === undefined ? listenOr(DEFAULT_PORT, listen) : listen(wanted)
  const page = `//localhost:${server.port}`
  const scraped = isShared ? `http:${page}/metrics` : exporter && serveMetrics(exporter, metrics)
  stopOnSignal(server, websocket.drain)
  console.log(`\n  rotunda listens\n
  page       http:${page}/${wanted === undefined ? inUse(DEFAULT_PORT, server) : ''}
  websocket  ws:${page}/ws
  metrics    ${(exporter && scraped) ?? 'off'}
  inspector  ${inspector === undefined ? 'off (set INSPECTOR_PASSWORD)' : `http:${page}/inspector`}
  data       ${whereDataLies(database.url)}
  stop       Ctrl+C\n`)
}

/** Serves the metrics on a port of their own, and says where: elsewhere when the usual port is in use. */
function serveMetrics(exporter: PrometheusMetrics, { host, port }: Configuration['metrics']): string {
  const listen = (port: number) => serveHttp(exporter.fetch, { port, ...hostname(host) })
  const server = metricsPortIsSet() ? listen(port) : listenOr(port, listen)
  const name = host === '0.0.0.0' ? 'localhost' : host
  return `http://${name}:${server.port}/metrics${metricsPortIsSet() ? '' : inUse(port, server)}`
}

function metricsPortIsSet(): boolean {
  return Boolean(process.env['METRICS_PORT'])
}

/** What to say of a port that was not asked for, where it is not the usual one. */
function inUse(usual: number, { port }: RotundaServer): string {
  return port === usual ? '' : `  (${usual} is in use)`
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

/** Listens on a port, or on a free one when that is in use. */
function listenOr(port: number, listen: (port: number) => RotundaServer): RotundaServer {
  try {
    return listen(port)
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
