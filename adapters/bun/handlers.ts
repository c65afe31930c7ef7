import {
  CLOSE,
  type Contract,
  createRouter,
  deliver,
  guarded,
  type Handshake,
  type Hub,
  type Next,
  notFound,
  type RouteOptions,
} from '../../src/mod.ts'
import { bunCaller } from './caller.ts'
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
export interface BunHandlers {
  /**
   * Answers rotunda's requests and hands all others to `next` (404 without it). Undefined means upgraded, which is what
   * Bun wants to hear.
   */
  fetch(
    request: Request,
    server: BunServer,
    next?: Next<BunServer>,
  ): Response | Promise<Response> | undefined
  /** For every connection of the server: its limits are the largest of the hub and the raw services beside it. */
  readonly websocket: BunWebSocketHandler<SocketData>
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
export function bunHandlers<C extends Contract, M>(hub: Hub<C, M>, options: BunOptions = {}): BunHandlers {
  requireBun()
  const route = createRouter(hub, options)
  const { compression = false } = options
  const settle = (routed: Handshake | Response, request: Request, server: BunServer) => {
    if (routed instanceof Response) return routed
    if ('response' in routed) return routed.response
    return upgradeTo(server, request, routed.upgrade)
  }

  return {
    fetch(request, server, next) {
      const routed = route(request, () => bunCaller(server, request))
      if (routed === undefined) return next?.(request, server) ?? notFound(request)
      if ('answer' in routed) return routed.answer
      if (!(routed instanceof Promise)) return settle(routed, request, server)
      return routed.then((settled) => settle(settled, request, server)) as Promise<Response>
    },
    websocket: {
      // Read when the server is made, after a Hono app has added its raw services.
      get maxPayloadLength() {
        return hub.companions.largest.maxMessageSize
      },
      get backpressureLimit() {
        return hub.companions.largest.hardLimit
      },
      closeOnBackpressureLimit: true,
      // Hubs and raw services ping in their own rhythm and judge idleness themselves.
      sendPings: false,
      idleTimeout: 0,
      perMessageDeflate: compression,
      open(socket) {
        const { data } = socket
        data.host.compresses = compression
        guarded(data.upgrade.target, socket, () => {
          data.receiver = data.upgrade.connect(new BunPeer(data.host, socket))
          if (data.ended !== undefined) data.receiver.closed(data.ended.code, data.ended.reason)
        })
      },
      message(socket, frame) {
        const { upgrade, receiver, host } = socket.data
        guarded(upgrade.target, socket, () => deliver(upgrade, receiver, host, frame))
      },
      drain(socket) {
        guarded(socket.data.upgrade.target, socket, () => socket.data.receiver?.drained())
      },
      ping(socket, data) {
        guarded(socket.data.upgrade.target, socket, () => socket.data.receiver?.pinged(data))
      },
      pong(socket, data) {
        guarded(socket.data.upgrade.target, socket, () => socket.data.receiver?.ponged(data))
      },
      close(socket, code, reason) {
        const { data } = socket
        const ended = { code: codeSent(code, reason), reason }
        if (data.receiver === undefined) data.ended = ended
        guarded(data.upgrade.target, socket, () => data.receiver?.closed(ended.code, ended.reason))
      },
    },
  }
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
