import type { Codec } from '../protocol/codec.ts'
import type { Contract, Protocol } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/rotunda_error.ts'
import type { Addition } from './addition.ts'
import type { BackoffOptions } from './connection/backoff.ts'
import type { HeartbeatOptions } from './connection/heartbeat.ts'
import type { WebSocketConstructor } from './connection/connection.ts'
import { type ClientCodec, json } from './connection/json.ts'

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
  /** What frames are made of, where the server knows it, such as `flatbuffers` of `rotunda/flatbuffers`. Default: JSON. */
  readonly codec?: Codec
  /** What is added to it, such as `fallback` of `rotunda/client/fallback`. */
  readonly use?: readonly Addition[]
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
  readonly codec: ClientCodec
  readonly WebSocket: WebSocketConstructor
}

/** @throws {RotundaError} `invalid_config` when the URL is none. */
export function readOptions<C extends Contract>(options: ClientOptions<C>): Settings {
  const defaults = {
    connectTimeout: 10_000,
    ackTimeout: 10_000,
    requestTimeout: 10_000,
    maxQueue: 10_000,
    maxInFlight: 256,
    codec: json,
    WebSocket: globalThis.WebSocket,
  }
  return {
    ...withDefaults<Omit<Settings, 'url' | 'heartbeat' | 'backoff'>>(defaults, options),
    url: readUrl(options.url),
    heartbeat: withDefaults({ interval: 30_000, timeout: 10_000 }, options.heartbeat),
    backoff: withDefaults({ base: 3_000, max: 60_000 }, options.backoff),
  }
}

/** Defaults, each replaced by what is given for it. */
function withDefaults<T>(defaults: T, given: Partial<T> = {}): T {
  for (const name in given) defaults[name] = given[name] ?? defaults[name]
  return defaults
}

function readUrl(given: string | URL): string {
  try {
    return new URL(given, globalThis.location as unknown as string | undefined).href.replace(/^http/, 'ws')
  } catch (cause) {
    throw new RotundaError('invalid_config', `${given} is no url.`, { cause })
  }
}
