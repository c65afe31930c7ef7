import type { Contract, Protocol } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { BackoffOptions } from './connection/backoff.ts'
import type { HeartbeatOptions } from './connection/heartbeat.ts'
import type { WebSocketConstructor } from './connection/connection.ts'

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

/** @throws {RotundaError} `invalid_config` when the URL is none. */
export function readOptions<C extends Contract>(options: ClientOptions<C>): Settings {
  const {
    connectTimeout = 10_000,
    ackTimeout = 10_000,
    requestTimeout = 10_000,
    maxQueue = 10_000,
    maxInFlight = 256,
    WebSocket = globalThis.WebSocket,
  } = options
  const { interval = 30_000, timeout = 10_000 } = options.heartbeat ?? {}
  const { base = 3_000, max = 60_000 } = options.backoff ?? {}
  return {
    url: readUrl(options.url),
    connectTimeout,
    ackTimeout,
    requestTimeout,
    heartbeat: { interval, timeout },
    backoff: { base, max },
    maxQueue,
    maxInFlight,
    WebSocket,
  }
}

function readUrl(given: string | URL): string {
  try {
    return new URL(given, globalThis.location?.href).href.replace(/^http/, 'ws')
  } catch (cause) {
    throw new RotundaError('invalid_config', `url ${given} must be like ws://host/ws.`, { cause })
  }
}
