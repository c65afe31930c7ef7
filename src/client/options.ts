import type { Contract, Protocol } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { BackoffOptions } from './connection/backoff.ts'
import type { HeartbeatOptions } from './connection/heartbeat.ts'
import type { WebSocketConstructor } from './connection/socket.ts'

/** What a client is made of. All times in milliseconds. */
export interface ClientOptions<C extends Contract> {
  /** Where the server is: `ws:`, `wss:`, `http:` or `https:`; in a browser also relative to the page. */
  readonly url: string | URL
  /** The contract shared with the server. */
  readonly protocol: Protocol<C>
  /** Whether to connect right away; otherwise `connect()` does. Default true. */
  readonly autoConnect?: boolean
  /** How long an attempt may take until the server's welcome. Default 10,000. */
  readonly connectTimeout?: number
  /** After so long without an ack a publish is sent again, with the same key. Default 10,000. */
  readonly ackTimeout?: number
  /** How long a request waits for its answer, waiting for a connection included. Default 10,000. */
  readonly requestTimeout?: number
  readonly heartbeat?: Partial<HeartbeatOptions>
  readonly backoff?: Partial<BackoffOptions>
  /** Durable publishes, and requests, that may wait to be sent. Default 10,000. */
  readonly maxQueue?: number
  /** Durable publishes that may be unacknowledged on the wire. Default 256. */
  readonly maxInFlight?: number
  /** Makes the WebSockets. Default: the global `WebSocket`. */
  readonly WebSocket?: WebSocketConstructor
}

/** The options with their defaults filled in. */
export interface Settings {
  readonly url: string
  readonly connectTimeout: number
  readonly ackTimeout: number
  readonly requestTimeout: number
  readonly heartbeat: HeartbeatOptions
  readonly backoff: BackoffOptions
  readonly maxQueue: number
  readonly maxInFlight: number
  readonly WebSocket: WebSocketConstructor
}

/** @throws {RotundaError} `invalid_config`, naming the option. */
export function readOptions<C extends Contract>(options: ClientOptions<C>): Settings {
  const number = (name: string, value: number | undefined, standard: number, least = 1): number => {
    if (value === undefined) return standard
    if (value >= least) return value
    throw new RotundaError('invalid_config', `${name} is ${value}; it must be a number from ${least}.`)
  }
  const { heartbeat, backoff } = options
  const base = number('backoff.base', backoff?.base, 3_000)
  const WebSocket = options.WebSocket ?? globalThis.WebSocket
  if (typeof options.protocol?.definitions !== 'object') {
    throw new RotundaError('invalid_config', 'createClient needs a "protocol" made with defineProtocol({…}).')
  }
  if (typeof WebSocket !== 'function') {
    throw new RotundaError('invalid_config', 'There is no global WebSocket here: give one as option "WebSocket".')
  }
  return {
    url: readUrl(options.url),
    connectTimeout: number('connectTimeout', options.connectTimeout, 10_000),
    ackTimeout: number('ackTimeout', options.ackTimeout, 10_000),
    requestTimeout: number('requestTimeout', options.requestTimeout, 10_000),
    heartbeat: {
      interval: number('heartbeat.interval', heartbeat?.interval, 30_000, 0),
      timeout: number('heartbeat.timeout', heartbeat?.timeout, 10_000),
    },
    backoff: { base, max: number('backoff.max', backoff?.max, Math.max(base, 60_000)) },
    maxQueue: number('maxQueue', options.maxQueue, 10_000),
    maxInFlight: number('maxInFlight', options.maxInFlight, 256),
    WebSocket,
  }
}

function readUrl(given: string | URL): string {
  try {
    const url = new URL(given, globalThis.location?.href)
    url.protocol = url.protocol.replace('http', 'ws')
    if (/^wss?:$/.test(url.protocol)) return url.href
  } catch {
    // Told below.
  }
  throw new RotundaError('invalid_config', `url is "${given}"; it must be like ws://localhost:8080/ws.`)
}
