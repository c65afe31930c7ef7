import process from 'node:process'
import { flatbuffers } from '../../../adapters/flatbuffers/mod.ts'
import { libsqlStore } from '../../../adapters/libsql/mod.ts'
import { prometheusMetrics } from '../../../adapters/prometheus/mod.ts'
import {
  createHub,
  type Hub,
  type Limits,
  memoryStore,
  type MessageStore,
  type RawLimits,
  type RawRoute,
} from '../../../src/mod.ts'
import { relayBroker } from '../relay_broker.ts'
import type { RoomServerOptions } from '../spawn_server.ts'
import { gather } from './crowd.ts'
import { FixtureEvents, record } from './fixture_events.ts'
import { authOptions } from './fixture_auth.ts'
import { fixture } from './fixture_protocol.ts'
import { rawFixture } from './fixture_raw.ts'

/** What the test servers know of a session; `!user` names its user. */
export interface FixtureMetadata {
  readonly agent: string
  user?: string
}

/** The hub of the test servers. */
export type FixtureHub = Hub<typeof fixture.definitions, FixtureMetadata>

/** A hub that can note what it is told, and obey; and its HTTP side channel. */
export async function fixtureHub(options: RoomServerOptions): Promise<{
  hub: FixtureHub
  /** Raw services by path, where they are wanted. */
  raw: Record<string, RawRoute>
  fetch: (request: Request) => Response | Promise<Response>
}> {
  const store = await openStore(options)
  const closed = new Set<string>()
  if (options.seed !== undefined) await seed(store, options.seed)
  const hub: FixtureHub = createHub({
    protocol: fixture,
    store,
    codecs: [flatbuffers],
    limits: (options.limits ?? {}) as Partial<Limits>,
    encrypted: options.encrypted ?? [],
    ...(options.quotas === undefined ? {} : { quotas: options.quotas }),
    countTypes: options.metrics ?? false,
    presence: { member: ({ id, metadata }) => metadata.user ?? id, ...options.presence },
    ...(options.auth === undefined ? {} : authOptions(options.auth)),
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
  if (options.crowd !== undefined) gather(hub, options.crowd)
  const events = new FixtureEvents()
  if (options.events === true) record(hub, events)
  const raw = options.raw === undefined ? undefined : rawFixture(events, options.raw as Partial<RawLimits>)
  const fetch = (request: Request) => {
    const url = new URL(request.url)
    if (url.pathname !== '/open') return answer(hub, events, closed, url)
    raw?.open()
    return new Response('opened')
  }
  const all = options.metrics === true ? prometheusMetrics(hub).or(fetch) : fetch
  return { hub, raw: raw?.routes ?? {}, fetch: (request) => all(request, undefined) }
}

async function openStore({ database, edge = false }: RoomServerOptions): Promise<MessageStore> {
  if (database === undefined) return memoryStore()
  if (!edge) return await libsqlStore({ url: database })
  return await (await import('../../../adapters/libsql/web.ts')).libsqlStore({ url: database })
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
