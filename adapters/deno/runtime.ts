import { RotundaError } from '../../src/mod.ts'

/** The part of Deno that this adapter uses. */
export interface DenoRuntime {
  serve(
    options: { port: number; hostname?: string; onListen: () => void; onError?: (cause: unknown) => Response },
    handler: (request: Request, info: DenoServeInfo) => Response | Promise<Response>,
  ): DenoServer
  upgradeWebSocket(
    request: Request,
    options: { protocol?: string; idleTimeout?: number },
  ): { socket: WebSocket; response: Response }
}

/** What Deno gives a handler beside the request. */
export interface DenoServeInfo {
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number }
}

/** A server as `Deno.serve` returns it. */
export interface DenoServer {
  readonly addr: { readonly hostname?: string; readonly port?: number }
  shutdown(): Promise<void>
}

/** @throws {RotundaError} `invalid_config` where there is no Deno. */
export function denoRuntime(): DenoRuntime {
  const { Deno } = globalThis as { Deno?: DenoRuntime }
  if (Deno !== undefined) return Deno
  throw new RotundaError('invalid_config', 'rotunda/deno runs on Deno only; on Bun use rotunda/bun or rotunda/hono.')
}
