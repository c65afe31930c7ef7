import {
  CLOSE,
  type Contract,
  createRouter,
  errorResponse,
  guarded,
  type Handshake,
  type Hub,
  type Next,
  RotundaError,
  type RouteOptions,
} from '../../src/mod.ts'
import { BunPeer, type SocketData } from './peer.ts'
import { type BunServer, type BunWebSocketHandler, requireBun } from './runtime.ts'
import { upgradeTo } from './upgrade.ts'

/** What is asked of Bun in particular. */
export interface BunOptions extends RouteOptions {
  /**
   * Whether frames are deflated (permessage-deflate) for clients that offer it. Costs CPU and memory for every frame
   * and client. Default false.
   */
  readonly compression?: boolean
}

/** What to give to `Bun.serve`. */
export interface BunHandlers<M> {
  /**
   * Answers rotunda's requests and hands all others to `next` (404 without it). Undefined means upgraded, which is what
   * Bun wants to hear.
   */
  fetch(
    request: Request,
    server: BunServer,
    next?: Next<BunServer>,
  ): Response | Promise<Response> | undefined
  readonly websocket: BunWebSocketHandler<SocketData<M>>
}

/**
 * The handlers of a hub, for applications that call `Bun.serve` themselves.
 *
 * @throws {RotundaError} `invalid_config` where there is no Bun.
 * @example
 * ```ts
 * const realtime = bunHandlers(hub)
 * Bun.serve({
 *   port: 8080,
 *   fetch: (request, server) => realtime.fetch(request, server, () => new Response('my own page')),
 *   websocket: realtime.websocket,
 * })
 * ```
 */
export function bunHandlers<C extends Contract, M>(hub: Hub<C, M>, options: BunOptions = {}): BunHandlers<M> {
  requireBun()
  const route = createRouter(hub, options)
  const { compression = false } = options
  const { maxMessageSize, hardLimit } = hub.limits
  const settle = (routed: Handshake<M> | Response, request: Request, server: BunServer) => {
    if (routed instanceof Response) return routed
    if ('response' in routed) return routed.response
    return upgradeTo(server, hub, request, routed.upgrade)
  }

  return {
    fetch(request, server, next) {
      const routed = route(request)
      if (routed === undefined) return next?.(request, server) ?? notFound(request)
      if (!(routed instanceof Promise)) return settle(routed, request, server)
      return routed.then((settled) => settle(settled, request, server)) as Promise<Response>
    },
    websocket: {
      maxPayloadLength: maxMessageSize,
      backpressureLimit: hardLimit,
      closeOnBackpressureLimit: true,
      // The hub pings in its own rhythm and judges idleness itself.
      sendPings: false,
      idleTimeout: 0,
      perMessageDeflate: compression,
      open(socket) {
        const { data } = socket
        data.host.compresses = compression
        guarded(data.hub, socket, () => {
          data.connection = data.hub.connect(new BunPeer(data.host, socket), data.upgrade)
          if (data.ended !== undefined) data.connection.closed(data.ended.code, data.ended.reason)
        })
      },
      message(socket, frame) {
        guarded(socket.data.hub, socket, () => socket.data.connection?.receive(frame))
      },
      drain(socket) {
        guarded(socket.data.hub, socket, () => socket.data.connection?.drained())
      },
      ping(socket, data) {
        guarded(socket.data.hub, socket, () => socket.data.connection?.pinged(data))
      },
      pong(socket, data) {
        guarded(socket.data.hub, socket, () => socket.data.connection?.ponged(data))
      },
      close(socket, code, reason) {
        const ended = { code: codeSent(code, reason), reason }
        if (socket.data.connection === undefined) socket.data.ended = ended
        guarded(socket.data.hub, socket, () => socket.data.connection?.closed(ended.code, ended.reason))
      },
    },
  }
}

function notFound(request: Request): Response {
  return errorResponse(new RotundaError('not_found', `There is nothing at ${new URL(request.url).pathname}.`))
}

/**
 * Bun closes a connection that breaks the protocol with the right code, but tells the application 1006 and says which
 * rule was broken in the reason alone.
 */
function codeSent(code: number, reason: string): number {
  if (code !== CLOSE.abnormal || !reason.startsWith('Received ')) return code
  if (reason === 'Received too big message') return CLOSE.messageTooBig
  return reason === 'Received invalid UTF-8' ? CLOSE.invalidData : CLOSE.protocolError
}
