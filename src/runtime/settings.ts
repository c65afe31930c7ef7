import { FALLBACK_NUMBERS, MAILBOXES } from '../fallback/mod.ts'
import { ALLOWED, DEFAULT_LIMITS, type Limits, TIMES } from '../hub/limits.ts'

/** One thing that can be configured. */
export interface Setting {
  /** Where it stands in the JSON, as `section.name`; `section.snake_name` is read too. */
  readonly path: string
  /** The environment variable that overrides it. */
  readonly variable: string
  readonly kind: 'integer' | 'seconds' | 'boolean' | 'text' | 'list' | 'rules'
  readonly least?: number
  readonly most?: number
  readonly standard: number | boolean | string
  readonly meaning: string
}

const LIMIT_MEANINGS: Readonly<Record<keyof Limits, string>> = {
  maxMessageSize: 'Largest frame a client may send, in bytes; a larger one closes with 1009',
  maxConnections: 'Connections at once; one more is refused with 503',
  maxConnectionsPerAddress: 'Connections of one address at once; one more is refused with 503; 0 is any number',
  maxHandshakesPerAddress: 'Handshakes of one address in 10 s; more are refused with 429; 0 is any number',
  maxPendingHandshakes: 'Handshakes that may wait to be authenticated; more are refused with 503',
  maxRooms: 'Rooms that somebody is in, over all sessions',
  maxRoomsPerSession: 'Rooms one session may be in',
  maxJoinsPerSession: 'Joins of one session in 10 s; 0 is any number',
  idleTimeout: 'A connection silent for so long is closed with 4000; 0 is off',
  pingInterval: 'How often each connection is pinged; 0 is off',
  pongTimeout: 'A connection that owes a pong for so long is closed with 4001',
  maxInboundQueue: 'Frames of one session that may wait while one is handled',
  maxErrors: 'Frames in a row that may be refused as not understood',
  maxJournalQueue: 'Messages that may wait for a commit',
  maxJournalBytes: 'Bytes of payload that may wait for a commit',
  maxCommit: 'Most messages in one commit',
  highWaterMark: 'Buffered bytes at which a live subscriber is switched to reading the log',
  hardLimit: 'Buffered bytes at which a connection is closed with 4002',
}

const limitSettings: Setting[] = (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((name) => ({
  path: `websocket.${name}`,
  variable: `WEBSOCKET_${snakeCase(name).toUpperCase()}`,
  kind: TIMES.has(name) ? 'seconds' : 'integer',
  least: ALLOWED[name][0],
  most: ALLOWED[name][1],
  standard: DEFAULT_LIMITS[name],
  meaning: LIMIT_MEANINGS[name],
}))

const FALLBACK_MEANINGS: Readonly<Record<keyof typeof FALLBACK_NUMBERS, string>> = {
  ttl: 'After how long a session that nobody polls ends, and a shared mailbox is forgotten',
  mailbox: 'Messages that a mailbox keeps',
  maxWait: 'How long a poll may wait',
  heartbeat: 'Longest silence on a stream: a comment ends it',
}

const fallbackSettings: Setting[] = (Object.keys(FALLBACK_MEANINGS) as (keyof typeof FALLBACK_NUMBERS)[]).map(
  (name) => ({
    path: `fallback.${name}`,
    variable: `FALLBACK_${snakeCase(name).toUpperCase()}`,
    kind: name === 'mailbox' ? 'integer' : 'seconds',
    least: FALLBACK_NUMBERS[name].from,
    most: FALLBACK_NUMBERS[name].to,
    standard: FALLBACK_NUMBERS[name].absent,
    meaning: FALLBACK_MEANINGS[name],
  }),
)

const PORT = { kind: 'integer', least: 0, most: 65_535 } as const

/** Every setting, in the order of the documentation. */
export const SETTINGS: readonly Setting[] = [
  {
    path: 'server.host',
    variable: 'SERVER_HOST',
    kind: 'text',
    standard: '0.0.0.0',
    meaning: 'Address the HTTP side listens on',
  },
  {
    path: 'server.port',
    variable: 'SERVER_PORT',
    ...PORT,
    standard: 8080,
    meaning: 'Port of the HTTP side, and of WebSocket with it unless it has its own; 0 takes a free one',
  },
  {
    path: 'database.url',
    variable: 'DATABASE_URL',
    kind: 'text',
    standard: 'file:data/rotunda.db',
    meaning: 'Where messages are stored: `file:…`, or `libsql://…`, `https://…` for Turso and sqld',
  },
  {
    path: 'database.authToken',
    variable: 'DATABASE_AUTH_TOKEN',
    kind: 'text',
    standard: '',
    meaning: 'Token of a remote database',
  },
  {
    path: 'websocket.host',
    variable: 'WEBSOCKET_HOST',
    kind: 'text',
    standard: '0.0.0.0',
    meaning: 'Address the WebSocket side listens on, where it has its own port',
  },
  {
    path: 'websocket.port',
    variable: 'WEBSOCKET_PORT',
    ...PORT,
    standard: 9090,
    meaning: 'Port of the WebSocket side, where it has its own',
  },
  {
    path: 'websocket.origins',
    variable: 'WEBSOCKET_ORIGINS',
    kind: 'list',
    standard: '',
    meaning: 'Origins whose pages may connect, `*` for all; none: only pages of the server itself',
  },
  {
    path: 'websocket.trustProxy',
    variable: 'WEBSOCKET_TRUST_PROXY',
    kind: 'integer',
    least: 0,
    most: 10,
    standard: 0,
    meaning: 'How many proxies in front are believed about the client’s address',
  },
  {
    path: 'websocket.enableDeflate',
    variable: 'WEBSOCKET_ENABLE_DEFLATE',
    kind: 'boolean',
    standard: false,
    meaning: 'Negotiate permessage-deflate (Bun only)',
  },
  {
    path: 'websocket.autoPingPong',
    variable: 'WEBSOCKET_AUTO_PING_PONG',
    kind: 'boolean',
    standard: true,
    meaning: '`false` is `pingInterval` 0',
  },
  {
    path: 'websocket.drain',
    variable: 'WEBSOCKET_DRAIN',
    kind: 'seconds',
    least: 0,
    most: 3_600,
    standard: 0,
    meaning: 'Within how long clients are told to come back when the server stops',
  },
  ...limitSettings,
  {
    path: 'quotas.rules',
    variable: 'QUOTAS_RULES',
    kind: 'rules',
    standard: '',
    meaning: 'How much one session may do in a time',
  },
  {
    path: 'quotas.permissive',
    variable: 'QUOTAS_PERMISSIVE',
    kind: 'boolean',
    standard: false,
    meaning: 'Whether what is over a quota is only counted, and told to the log',
  },
  {
    path: 'fallback.enabled',
    variable: 'FALLBACK_ENABLED',
    kind: 'boolean',
    standard: true,
    meaning: 'Whether there are SSE and long polling',
  },
  ...fallbackSettings,
  {
    path: 'fallback.origins',
    variable: 'FALLBACK_ORIGINS',
    kind: 'list',
    standard: '',
    meaning: 'More origins whose pages may use SSE and long polling with their cookies',
  },
  {
    path: 'fallback.shared',
    variable: 'FALLBACK_SHARED',
    kind: 'boolean',
    standard: false,
    meaning: 'Whether there are shared mailboxes, one for each room',
  },
  {
    path: 'fallback.maxMailboxes',
    variable: 'FALLBACK_MAX_MAILBOXES',
    kind: 'integer',
    least: MAILBOXES.from,
    most: MAILBOXES.to,
    standard: MAILBOXES.absent,
    meaning: 'Shared mailboxes at once; one more, and the one not used for longest is forgotten',
  },
  {
    path: 'metrics.enabled',
    variable: 'METRICS_ENABLED',
    kind: 'boolean',
    standard: true,
    meaning: 'Whether metrics are given out',
  },
  {
    path: 'metrics.host',
    variable: 'METRICS_HOST',
    kind: 'text',
    standard: '127.0.0.1',
    meaning: 'Address that metrics are read at, where they have their own port',
  },
  {
    path: 'metrics.port',
    variable: 'METRICS_PORT',
    ...PORT,
    standard: 9100,
    meaning: "Port that metrics are read at, under `/metrics`; the HTTP side's own puts them there",
  },
  {
    path: 'metrics.token',
    variable: 'METRICS_TOKEN',
    kind: 'text',
    standard: '',
    meaning: 'What who reads metrics must show, as `Authorization: Bearer …`',
  },
  {
    path: 'inspector.password',
    variable: 'INSPECTOR_PASSWORD',
    kind: 'text',
    standard: '',
    meaning: 'Turns on the page at `/inspector`, for who knows this; 12 characters or more',
  },
  {
    path: 'inspector.payloads',
    variable: 'INSPECTOR_PAYLOADS',
    kind: 'boolean',
    standard: false,
    meaning: "Whether the inspector shows the beginning of messages' payloads",
  },
]

/** `maxMessageSize` as `max_message_size`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
