import { appendFileSync } from 'node:fs'
import process from 'node:process'
import { after, before, describe, test } from 'node:test'
import { type HostName, type RoomServerOptions, type SpawnedServer, spawnServer } from '../../support/spawn_server.ts'

/** The rows of the conformance table, in its order: what a host can get wrong. */
export const ROWS = {
  handshake: 'Handshake: refusals with a reason, tolerated spellings',
  subprotocol: 'Subprotocol: the first known, none for unknown ones',
  frames: 'Text and binary frames both ways',
  identity: 'One session object for life; remote address and port',
  closing: 'Close codes and reasons both ways, told once',
  early: 'Early close, quick connects: nothing left behind',
  pings: 'Ping and pong frames',
  silence: 'Idle and pong timeouts; a closing handshake never finished',
  order: 'Order of direct sends, room messages, leaving',
  slow: 'Slow consumers: bounded memory, nothing durable lost',
  flood: 'Floods: answered or refused, others served',
  size: 'Oversize: 1009',
  broken: 'Frames against RFC 6455, text that is not UTF-8',
  bad: 'Bad envelopes: refused by name, the session lives',
  encrypted: 'Encrypted rooms: plaintext refused, ciphertext unchanged',
  errors: 'Handlers that throw: reported, the process lives',
  limit: 'Connection limit: 503 before the upgrade',
  addresses: 'Limits of one address, of handshakes, of all rooms',
  origins: 'Origins: pages of others are refused, 403 before the upgrade',
  auth: 'Tokens: who comes in, for how long, over every transport',
  http: 'History and health over HTTP',
  start: 'Wrong use at start: said clearly',
  compression: 'Compression: off by default, negotiated',
  policies: 'Policies, grants, and what becomes of revoked ones',
  requests: 'Requests of the server to its clients',
  direct: 'Messages to one session or to all; opcodes',
  binary: 'Binary frames, beside JSON in one room',
  bytes: 'Payloads that are bytes; trace ids',
  presence: 'Presence: who is here, tabs, short reconnects, slow watchers',
  raw: 'Raw services: frames, reads, paths',
  rawEnds: 'Raw services: limits, failures, stopping',
  sse: 'SSE: resumed, bounded, told how it ends',
  poll: 'Long polling: rooms, mailboxes, sending',
  transports: 'Every transport, and switches between them: the same promises',
  retention: 'Retention: what is gone is told to who was away too long',
  quotas: 'Quotas: refused by name, or the session is ended',
  counts: 'Counts by type',
  overrides: 'Built-in requests that the application has replaced',
  document: 'The wire document, frame by frame',
} as const
export type RowId = keyof typeof ROWS

/**
 * What a runtime cannot do. Each is a heading in `docs/hosts.md`, where it says what happens instead; a test that
 * asserts that names it.
 */
export const SUBSTITUTES = {
  'no-ping': 'Deno: pings are its own',
  'pong-timeout': 'Deno: a pong that does not come closes with 1001',
  'no-terminate': 'Deno: a socket cannot be cut',
  'talking-client': 'Deno: a client that talks while it is closed may miss the close frame',
  'oversize-read': 'Deno: an oversized frame is read before it is refused',
  'silent-violation': 'Deno: broken frames end the connection without a close frame',
  'unmasked': 'Deno: frames that are not masked are read',
  'post-upgrade': 'Deno: a POST that asks for an upgrade gets 400 without a reason',
  'no-compression': 'Deno: no compression',
  'unseen-leaving': 'Deno: a poll whose client left is answered when its time is over',
  'own-server': 'Hono: the server is the application’s',
} as const
export type SubstituteId = keyof typeof SUBSTITUTES

/** What became of a test, one line of the file that `ROTUNDA_HOST_RESULTS` names. */
export interface HostResult {
  readonly host: HostName
  readonly row: RowId
  readonly test: string
  readonly substitute?: SubstituteId
  readonly outcome: 'registered' | 'passed' | 'failed'
}

/** How a test of a row is run. */
export interface RowTestOptions {
  /** Where it asserts what the documentation says happens instead. */
  readonly substitute?: SubstituteId | false
  readonly timeout?: number
  /** Whether it waits more than it works: it is begun before all others, and runs beside them. */
  readonly waits?: boolean
}

/** Registers one test of a row. */
export type RowTest = (name: string, run: () => void | Promise<void>, options?: RowTestOptions) => void

/** Begins a test that waits. */
const waiting: (() => void)[] = []
/** What the row that is being registered does before its first test and after its last. */
let hooks: { before(): Promise<void>; after(): Promise<void> }[] | undefined

/** Begins all tests that wait, before the first of a file. */
export function beginWaiting(): void {
  before(() => waiting.splice(0).forEach((begin) => begin()))
}

/** Registers the tests of one row for one host, and notes what becomes of each for the table. */
export function row(host: HostName, id: RowId, body: (test: RowTest) => void): void {
  const tests: (() => void)[] = []
  const own = hooks = [] as NonNullable<typeof hooks>
  // Not within `describe`, whose function Deno calls only when the row's turn has come.
  body((name, run, { substitute, timeout = 60_000, waits = false } = {}) => {
    const note = (outcome: HostResult['outcome']) => {
      record({ host, row: id, test: name, ...(substitute ? { substitute } : {}), outcome })
    }
    note('registered')
    let begun: Promise<void> | undefined
    if (waits) {
      waiting.push(() => {
        begun = Promise.resolve(run())
        // It is told when its turn comes.
        begun.catch(() => {})
      })
    }
    const shown = substitute ? `${name} (substitute: ${SUBSTITUTES[substitute]})` : name
    tests.push(() => {
      test(shown, { timeout }, async () => {
        try {
          await (begun ?? run())
        } catch (error) {
          note('failed')
          throw error
        }
        note('passed')
      })
    })
  })
  hooks = undefined
  describe(`${host}: ${ROWS[id]}`, () => {
    for (const hook of own) {
      before(() => hook.before())
      after(() => hook.after())
    }
    for (const register of tests) register()
  })
}

function record(result: HostResult): void {
  const file = process.env['ROTUNDA_HOST_RESULTS']
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`)
}

/** Whether it is Deno that carries a host. */
export function onDeno(host: HostName): boolean {
  return host.endsWith('deno')
}

/** Whether the application owns the server, so that rotunda neither binds the port nor answers for its errors. */
export function ownsServer(host: HostName): boolean {
  return host.startsWith('hono')
}

/** Servers, by what they are started with, and how many rows are still to use them. */
const shared = new Map<string, { rows: number; server?: Promise<SpawnedServer> }>()

let starting: Promise<unknown> = Promise.resolve()

/** Starts a server, one at a time: those of all tests that wait would take the machine from those that have begun. */
function start(options: RoomServerOptions): Promise<SpawnedServer> {
  const started = starting.then(() => spawnServer(options))
  starting = started.catch(() => {})
  return started
}

/**
 * A server for all tests of the row it is called in; given when a test asks. Rows that want the same share one, so a test
 * names its rooms after itself and leaves nothing behind.
 */
export function served(options: RoomServerOptions): () => SpawnedServer {
  let server: SpawnedServer | undefined
  const key = JSON.stringify(options)
  const use = shared.get(key) ?? { rows: 0 }
  shared.set(key, use)
  use.rows += 1
  hooks!.push({
    before: async () => void (server = await (use.server ??= start(options))),
    after: async () => {
      use.rows -= 1
      if (use.rows > 0) return
      shared.delete(key)
      await server?.stop()
    },
  })
  return () => {
    if (server === undefined) throw new Error('The server is started before the first test, not before that.')
    return server
  }
}

/** Runs a test with a server of its own, which must outlive it. */
export async function withServer(
  options: RoomServerOptions,
  use: (server: SpawnedServer) => Promise<void>,
): Promise<void> {
  const server = await start(options)
  try {
    await use(server)
    if (!server.isAlive()) throw new Error(`The server ended: ${server.stderr()}`)
  } finally {
    await server.stop()
  }
}
