import process from 'node:process'
import { flatbuffers } from '../../../adapters/flatbuffers/mod.ts'
import {
  createHub,
  type Hub,
  type Limits,
  memoryStore,
  type MessageStore,
  type RawLimits,
  type RawRoute,
  RotundaError,
} from '../../../src/mod.ts'
import { relayBroker } from '../relay_broker.ts'
import type { RoomServerOptions } from '../spawn_server.ts'
import { gather } from './crowd.ts'
import { FixtureEvents, obey, record } from './fixture_events.ts'
import { fixture } from './fixture_protocol.ts'
import { rawFixture } from './fixture_raw.ts'

/** What the test servers know of a session; `!user` names its user. */
export interface FixtureMetadata {
  readonly agent: string
  user?: string
}

/** The hub of the test servers. */
export type FixtureHub = Hub<typeof fixture.definitions, FixtureMetadata>

/**
 * A hub that can note what it is told, and obey; and its HTTP side channel. What only some servers need is loaded for
 * those alone: most of a test server's start is loading.
 */
export async function fixtureHub(options: RoomServerOptions): Promise<{
  hub: FixtureHub
  /** Raw services by path, where they are wanted. */
  raw: Record<string, RawRoute>
  fetch: (request: Request) => Response | Promise<Response>
}> {
  const store = await openStore(options)
  const closed = new Set<string>()
  const admission = Promise.withResolvers<void>()
  if (options.seed !== undefined) await seed(store, options.seed)
  const hub: FixtureHub = createHub({
    protocol: fixture,
    store,
    codecs: [flatbuffers],
    limits: (options.limits ?? {}) as Partial<Limits>,
    encrypted: options.encrypted ?? [],
    ...(options.quotas === undefined ? {} : { quotas: options.quotas }),
    ...(options.retention === undefined ? {} : { retention: options.retention, retentionInterval: 0.05 }),
    countTypes: options.metrics ?? false,
    presence: {
      member: ({ id, metadata, identity }) => metadata.user ?? identity?.subject ?? id,
      ...options.presence,
    },
    ...(options.auth === undefined
      ? {}
      : (await import('./fixture_auth.ts')).authOptions(options.auth, admission.promise)),
    ...(options.origins === undefined ? {} : { origins: options.origins }),
    trustProxy: options.trustProxy ?? 0,
    ...(options.node === undefined ? {} : { node: options.node }),
    ...(options.relay === undefined ? {} : { broker: await relayBroker(options.relay) }),
    metadata: (request) => ({ agent: request.headers.get('user-agent') ?? '' }),
    // Rooms whose rules change while the server runs, and one that may only be read.
    authorize: (_who, action, target) => {
      if (target.startsWith('fickle-')) return !closed.has(target)
      if (target.startsWith('late-')) return Promise.resolve(!closed.has(target))
      return target.startsWith('readonly-') && action === 'publish' ? false : undefined
    },
  })
  hub.onOpcode(200, (_ctx, body) => body.toReversed())
  hub.onOpcode(201, () => {})
  hub.onOpcode(202, () => {
    throw new TypeError('the fixture was told to fail in an opcode')
  })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  if (options.overrides === true) override(hub)
  if (options.crowd !== undefined) gather(hub, options.crowd)
  const events = new FixtureEvents()
  if (options.events === true) record(hub, events)
  const raw = options.raw === undefined ? undefined : rawFixture(events, options.raw as Partial<RawLimits>)
  const fetch = (request: Request) => {
    const url = new URL(request.url)
    if (url.pathname === '/open') raw?.open()
    else if (url.pathname === '/admit') admission.resolve()
    else return answer(hub, events, closed, url)
    return new Response('done')
  }
  if (options.metrics !== true) return { hub, raw: raw?.routes ?? {}, fetch }
  const { prometheusMetrics } = await import('../../../adapters/prometheus/mod.ts')
  const all = prometheusMetrics(hub).or(fetch)
  return { hub, raw: raw?.routes ?? {}, fetch: (request) => all(request, undefined) }
}

async function openStore({ database, edge = false }: RoomServerOptions): Promise<MessageStore> {
  if (database === undefined) return memoryStore()
  const { libsqlStore } = edge
    ? await import('../../../adapters/libsql/web.ts')
    : await import('../../../adapters/libsql/mod.ts')
  return await libsqlStore({ url: database })
}

/** Two of rotunda's own requests: one is answered otherwise, one is refused in a room that is closed. */
function override(hub: FixtureHub): void {
  hub.override('session.whoami', ({ session }) => ({ user: session.metadata.user ?? 'nobody' }))
  hub.override('room.history', (ctx, _payload, next) => {
    if (ctx.room.name === 'closed-archive') throw new RotundaError('forbidden', 'The archive is closed.')
    return next()
  })
}

/** Lets a session obey a command that it cannot send itself, as a client over HTTP cannot. */
async function command(hub: FixtureHub, events: FixtureEvents, given: URLSearchParams): Promise<Response> {
  const session = hub.session(given.get('session') ?? '')
  if (session === undefined) return new Response('no such session', { status: 404 })
  return new Response(await obey(hub, events, session, given.get('command') ?? ''))
}

function answer(
  hub: FixtureHub,
  events: FixtureEvents,
  closed: Set<string>,
  { pathname, searchParams }: URL,
): Response | Promise<Response> {
  switch (pathname) {
    case '/forbid':
      closed.add(searchParams.get('room') ?? '')
      return hub.reauthorize().then(() => new Response('done'))
    case '/revoke':
      return hub.revoke(searchParams.get('subject') ?? '').then((count) => Response.json(count))
    case '/obey':
      return command(hub, events, searchParams)
    case '/memory':
      return Response.json(process.memoryUsage().rss)
    case '/delay':
      return Response.json(eventLoopDelay())
    case '/cpu':
      return Response.json(process.cpuUsage())
    case '/buffered':
      return Response.json(hub.session(searchParams.get('session') ?? '')?.bufferedAmount ?? null)
    case '/events':
      return Response.json(events.all)
    case '/event':
      return events.first(JSON.parse(searchParams.get('fields') ?? '{}')).then((event) => Response.json(event ?? null))
    case '/throw':
      throw new TypeError('the fixture was told to fail')
    default:
      return new Response('not here', { status: 404 })
  }
}

const LOOK = 5
let worst = 0
let watching: ReturnType<typeof setInterval> | undefined

/** How late the event loop was at worst since this was last asked, in milliseconds; watched from the first time on. */
function eventLoopDelay(): number {
  watching ??= watchEventLoop()
  const delay = worst
  worst = 0
  return delay
}

function watchEventLoop(): ReturnType<typeof setInterval> {
  let last = performance.now()
  return setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - LOOK)
    last = now
  }, LOOK)
}

async function seed(store: MessageStore, { room, messages, trimmed }: NonNullable<RoomServerOptions['seed']>) {
  const common = { room, kind: 'event', type: 'chat.message', from: null, key: null, ts: Date.now() }
  await store.append(Array.from({ length: messages }, (_, i) => {
    return { ...common, payload: JSON.stringify({ user: 'seed', text: `message ${i + 1}` }) }
  }))
  if (trimmed > 0) await store.trim(room, trimmed)
}
