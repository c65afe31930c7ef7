import { RotundaError } from '../../src/mod.ts'

/** What goes over a socket. */
type Frame = string | Uint8Array<ArrayBuffer>

/** The part of Bun that this adapter uses. */
export interface BunRuntime {
  serve<Data>(options: {
    port: number
    hostname?: string
    fetch: (request: Request, server: BunServer) => Response | Promise<Response> | undefined
    websocket?: BunWebSocketHandler<Data>
    error?: (cause: unknown) => Response
  }): BunServer
}

/** A server as `Bun.serve` returns it and gives it to `fetch`. */
export interface BunServer {
  readonly port?: number | undefined
  readonly url: URL
  upgrade(request: Request, options: { data: unknown; headers: Record<string, string> }): boolean
  publish(topic: string, frame: Frame, compress?: boolean): number
  requestIP(request: Request): { readonly address: string; readonly port: number } | null
  timeout(request: Request, seconds: number): void
  stop(closeActiveConnections?: boolean): Promise<void>
}

/** One of Bun's sockets. */
export interface BunSocket<Data> {
  readonly data: Data
  readonly remoteAddress: string
  readonly readyState: number
  getBufferedAmount(): number
  send(frame: Frame, compress?: boolean): number
  close(code?: number, reason?: string): void
  terminate(): void
  ping(data?: Uint8Array<ArrayBuffer>): number
  pong(data?: Uint8Array<ArrayBuffer>): number
  subscribe(topic: string): void
  unsubscribe(topic: string): void
}

/** What `Bun.serve` takes as `websocket`. */
export interface BunWebSocketHandler<Data> {
  /** Only its type is read: it tells Bun's own declarations what a socket carries. */
  readonly data?: Data
  readonly maxPayloadLength: number
  readonly backpressureLimit: number
  readonly closeOnBackpressureLimit: boolean
  readonly sendPings: boolean
  readonly idleTimeout: number
  readonly perMessageDeflate: boolean
  open(socket: BunSocket<Data>): void
  message(socket: BunSocket<Data>, frame: string | Uint8Array): void
  drain(socket: BunSocket<Data>): void
  ping(socket: BunSocket<Data>, data: Uint8Array): void
  pong(socket: BunSocket<Data>, data: Uint8Array): void
  close(socket: BunSocket<Data>, code: number, reason: string): void
}

/** @throws {RotundaError} `invalid_config` where there is no Bun. */
export function requireBun(): BunRuntime {
  const { Bun } = globalThis as { Bun?: BunRuntime }
  if (Bun !== undefined) return Bun
  throw new RotundaError('invalid_config', 'rotunda/bun runs on Bun only; on Deno use rotunda/deno or rotunda/hono.')
}
