import {
  type Contract,
  createRouter,
  type Handshake,
  type Hub,
  type Next,
  notFound,
  type RouteOptions,
} from '../../src/mod.ts'
import { denoCaller } from './caller.ts'
import { denoRuntime, type DenoServeInfo } from './runtime.ts'
import { denoUpgrade } from './upgrade.ts'

/** Answers rotunda's requests and hands all others to `next` (404 without it). */
export type DenoHandler = (
  request: Request,
  info: DenoServeInfo,
  next?: Next<DenoServeInfo>,
) => Response | Promise<Response>

/**
 * The handler of a hub, for applications that call `Deno.serve` themselves.
 *
 * @throws {RotundaError} `invalid_config` where there is no Deno.
 * @example
 * ```ts
 * const realtime = denoHandler(hub)
 * Deno.serve({ port: 8080 }, (request, info) => realtime(request, info, () => new Response('my own page')))
 * ```
 */
export function denoHandler<C extends Contract, M>(hub: Hub<C, M>, options: RouteOptions = {}): DenoHandler {
  denoRuntime()
  const route = createRouter(hub, options)
  return (request, info, next) => {
    const settle = (routed: Handshake | Response): Response => {
      if (routed instanceof Response) return routed
      return 'response' in routed ? routed.response : denoUpgrade(request, info, routed.upgrade)
    }
    const routed = route(request, () => denoCaller(info))
    if (routed === undefined) return next?.(request, info) ?? notFound(request)
    if ('answer' in routed) return routed.answer
    return routed instanceof Promise ? routed.then(settle) : settle(routed)
  }
}
