import process from 'node:process'
import { libsqlStore } from '../../../adapters/libsql/mod.ts'
import { chat } from '../../../examples/chat/protocol.ts'
import { createHub, type Hub, type Limits, memoryStore, type MessageStore, type Session } from '../../../src/mod.ts'
import type { RoomServerOptions } from '../spawn_server.ts'

/** The hub of the test servers. */
export type FixtureHub = Hub<typeof chat.definitions, { agent: string }>

/** Something the hub told its application, in order. */
export interface FixtureEvent {
  readonly type: 'open' | 'message' | 'close' | 'ping' | 'pong' | 'error'
  readonly session?: string
  readonly [detail: string]: unknown
}

/** A hub that notes what it is told, and obeys text frames that start with `!`; and its HTTP side channel. */
export async function fixtureHub(options: RoomServerOptions): Promise<{
  hub: FixtureHub
  fetch: (request: Request) => Response | Promise<Response>
}> {
  const store = options.database === undefined ? memoryStore() : await libsqlStore({ url: options.database })
  if (options.seed !== undefined) await seed(store, options.seed)
  const hub: FixtureHub = createHub({
    protocol: chat,
    store,
    limits: (options.limits ?? {}) as Partial<Limits>,
    metadata: (request) => ({ agent: request.headers.get('user-agent') ?? '' }),
  })
  hub.on('chat.stats', (ctx) => ({ members: ctx.room.size }))
  const events = options.events === true ? record(hub) : []
  return {
    hub,
    fetch: (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/memory') return Response.json(process.memoryUsage().rss)
      if (pathname === '/cpu') return Response.json(process.cpuUsage())
      if (pathname === '/events') return Response.json(events)
      if (pathname === '/throw') throw new TypeError('the fixture was told to fail')
      return new Response('not here', { status: 404 })
    },
  }
}

async function seed(store: MessageStore, { room, messages, trimmed }: NonNullable<RoomServerOptions['seed']>) {
  const common = { room, kind: 'event', type: 'chat.message', from: null, key: null, ts: Date.now() }
  await store.append(Array.from({ length: messages }, (_, i) => {
    return { ...common, payload: JSON.stringify({ user: 'seed', text: `message ${i + 1}` }) }
  }))
  if (trimmed > 0) await store.trim(room, trimmed)
}

type FixtureSession = Session<typeof chat.definitions, { agent: string }>

function record(hub: FixtureHub): FixtureEvent[] {
  const events: FixtureEvent[] = []
  const known = new WeakMap<FixtureSession, string>()
  // Tells whether every handler is given the object that `open` was given.
  const same = (session: FixtureSession) => known.get(session) === session.id
  hub.onOpen((session) => {
    known.set(session, session.id)
    const { id, remoteAddress, remotePort, metadata, state } = session
    events.push({ type: 'open', session: id, remoteAddress, remotePort, metadata, state })
  })
  hub.onMessage((session, frame) => {
    const content = typeof frame === 'string' ? frame : [...frame]
    events.push({ type: 'message', session: session.id, same: same(session), content })
    return typeof frame === 'string' && frame.startsWith('!') ? obey(hub, session, frame.slice(1)) : undefined
  })
  hub.onPing((session, data) => void events.push({ type: 'ping', session: session.id, data: [...data] }))
  hub.onPong((session, data) => void events.push({ type: 'pong', session: session.id, data: [...data] }))
  hub.onClose((session, code, reason) => {
    const { id, rooms, state } = session
    events.push({ type: 'close', session: id, same: same(session), code, reason, rooms, state })
  })
  hub.onError((error, session) =>
    void events.push({ type: 'error', session: session?.id ?? '', message: String(error) })
  )
  return events
}

/** `!close 4321 why`, `!text …`, `!bytes 1,2,3`, `!ping 1,2`, `!mixed room n`, `!fill n size`, `!throw`. */
function obey(hub: FixtureHub, session: FixtureSession, command: string): 'handled' | Promise<'handled'> {
  const [name, ...rest] = command.split(' ')
  const bytes = () => new Uint8Array((rest[0] ?? '').split(',').map(Number))
  switch (name) {
    case 'close':
      session.close(Number(rest[0]), rest.slice(1).join(' '))
      return 'handled'
    case 'text':
      session.sendText(rest.join(' '))
      return 'handled'
    case 'bytes':
      // A view into a larger buffer: what lies around it must not be sent.
      session.sendBytes(new Uint8Array([9, 9, ...bytes(), 9]).subarray(2, -1))
      return 'handled'
    case 'ping':
      session.ping(bytes())
      return 'handled'
    case 'fill':
      for (let i = 0; i < Number(rest[0]); i++) session.sendText('x'.repeat(Number(rest[1])))
      return 'handled'
    case 'mixed':
      return mix(hub, session, rest[0] ?? '', Number(rest[1]))
    default:
      throw new TypeError(`the fixture was told to fail: ${command}`)
  }
}

/** Direct sends and room messages by turns; the client must see them in this order. */
async function mix(hub: FixtureHub, session: FixtureSession, room: string, count: number): Promise<'handled'> {
  for (let i = 0; i < count; i++) {
    session.send('chat.typing', { user: `${2 * i}` })
    hub.room(room).broadcast('chat.typing', { user: `${2 * i + 1}` })
    if (i % 10 === 0) await Promise.resolve()
  }
  return 'handled'
}
