import { type RawConnection, type RawLimits, type RawRoute, rawService, RotundaError } from '../../../src/mod.ts'
import type { FixtureEvents } from './fixture_events.ts'

/** What the raw services of the test servers remember of a request. */
interface Opening {
  readonly path: string
  readonly agent: string
}

/** The raw services of a test server, by path, and what opens the gate that `/raw/late` waits at. */
export interface FixtureRaw {
  readonly routes: Record<string, RawRoute>
  readonly open: () => void
}

/**
 * `/raw` gives back what is no command, `/raw/loop` what it reads in a loop; `/raw/large` takes more than the hub does;
 * `/raw/unread` never reads, `/raw/late` when the gate is opened; `/raw/fails` fails as the user agent says.
 */
export function rawFixture(events: FixtureEvents, limits: Partial<RawLimits>): FixtureRaw {
  let open = () => {}
  const gate = new Promise<void>((resolve) => open = resolve)
  const metadata = (request: Request): Opening => {
    const agent = request.headers.get('user-agent') ?? ''
    if (agent === 'refuse me') throw new RotundaError('forbidden', 'not you')
    return { path: new URL(request.url).pathname, agent }
  }
  const small = { maxInboundQueue: 4, maxMessageSize: 512, maxInboundBytes: 1_000 }
  const routes = {
    '/raw': rawService<Opening>((connection) => {
      record(events, connection)
      connection.onData((same, data) => {
        const kind = typeof data === 'string' ? 'string' : data.constructor.name
        events.add({ type: 'raw', session: connection.id, what: 'data', kind, same: same === connection })
        return obey(events, connection, data)
      })
    }, { metadata, limits, subprotocols: ['raw.v1', 'raw.v2'] }),
    '/raw/loop': rawService(async (connection) => {
      connection.setText()
      const read: string[] = []
      for await (const frame of connection) {
        read.push(String(frame))
        connection.send(`${read.length} ${frame}`)
        await Promise.resolve()
      }
      events.add({ type: 'raw', what: 'loop ended', read })
    }),
    '/raw/large': rawService((connection) => connection.onData((_, data) => connection.send(data)), {
      limits: { maxMessageSize: 256 * 1024 },
    }),
    '/raw/unread': rawService((connection) => record(events, connection), { limits: small }),
    '/raw/late': rawService(async (connection) => {
      record(events, connection)
      connection.setText()
      connection.send('waiting')
      await gate
      const read: string[] = []
      connection.onData((_, data) => {
        read.push(String(data))
        connection.send(data)
        if (data === 'last') events.add({ type: 'raw', session: connection.id, what: 'read', read })
      })
    }),
    '/raw/fails': rawService<Opening>((connection) => {
      if (connection.metadata.agent === 'throw') throw new TypeError('the fixture was told to fail at once')
      return Promise.reject(new TypeError('the fixture was told to fail later'))
    }, { metadata }),
  }
  return { routes, open }
}

function record<M>(events: FixtureEvents, connection: RawConnection<M>): void {
  const session = connection.id
  const add = (what: string, details: object) => events.add({ type: 'raw', session, what, ...details })
  connection.onClose((same, code, reason) => {
    add('close', { code, reason, state: same.state, same: same === connection })
  })
  connection.onDrain(() => add('drain', { waiting: connection.bufferedAmount }))
  connection.onPing((_, data) => add('ping', { data: [...data] }))
  connection.onPong((_, data) => add('pong', { data: [...data] }))
}

/**
 * Text frames that start with `!` are commands: `!info`, `!text`, `!binary`, `!bytes 1,2`, `!lone` (half a surrogate pair), `!read ms`, `!ping 1,2`,
 * `!close 4321 why`, `!fill n size`, `!catch` (from now on failures are told to the connection), `!throw`, `!reject`,
 * `!refuse`. Anything else is given back.
 */
function obey(events: FixtureEvents, connection: RawConnection<Opening>, data: string | Uint8Array): unknown {
  if (typeof data !== 'string' || !data.startsWith('!')) return connection.send(data)
  const [name, ...rest] = data.slice(1).split(' ')
  const bytes = () => new Uint8Array((rest[0] ?? '').split(',').filter((text) => text !== '').map(Number))
  switch (name) {
    case 'info':
      return connection.send(JSON.stringify(info(connection)))
    case 'text':
      return connection.setText()
    case 'binary':
      return connection.setBinary()
    case 'bytes':
      return sendOrTell(connection, bytes())
    case 'read':
      return readAndTell(connection, Number(rest[0]))
    case 'lone':
      return connection.send('\ud800')
    case 'ping':
      return connection.send(`pinged ${connection.ping(bytes())}`)
    case 'close':
      return connection.close(rest[0] === undefined ? undefined : Number(rest[0]), rest.slice(1).join(' '))
    case 'fill':
      return fill(events, connection, Number(rest[0]), Number(rest[1]))
    case 'catch':
      return connection.onError((_, error) => {
        events.add({ type: 'raw', session: connection.id, what: 'error', message: String(error) })
      })
    case 'reject':
      return Promise.reject(new TypeError('the fixture was told to reject'))
    case 'refuse':
      throw new RotundaError('forbidden', 'not this')
    default:
      throw new TypeError(`the fixture was told to fail: ${name}`)
  }
}

function info(connection: RawConnection<Opening>): object {
  const { id, remoteAddress, remotePort, connectedAt, state, subprotocol, metadata, metrics, mode } = connection
  const now = Date.now()
  return { id, remoteAddress, remotePort, connectedAt, now, state, subprotocol, metadata, metrics, mode }
}

function sendOrTell(connection: RawConnection<Opening>, bytes: Uint8Array): void {
  try {
    connection.send(bytes)
  } catch (error) {
    connection.send((error as RotundaError).code)
  }
}

async function readAndTell(connection: RawConnection<Opening>, timeout: number): Promise<void> {
  const read = await connection.read({ timeout }).then((frame) => `read ${frame}`, (error) => error.code)
  connection.send(read)
}

/** Notes the first answer of `send` that is not like the one before. */
function fill(events: FixtureEvents, connection: RawConnection<Opening>, count: number, size: number): void {
  const results: string[] = []
  for (let i = 0; i < count; i++) {
    const result = connection.send(new Uint8Array(size))
    if (result !== results.at(-1)) results.push(result)
    if (result === 'closed') break
  }
  events.add({ type: 'raw', session: connection.id, what: 'filled', results: results.join() })
}
