import type { Context, Env } from 'hono'
import type { RawRoute, RawService } from '../../src/mod.ts'

/** A raw service as `realtime` mounts it. */
export interface HonoRawRoute<E extends Env> extends RawRoute {
  fromContext?(context: Context<E>): unknown
}

/**
 * A raw service whose connections' metadata is made from the Hono context, where middleware has left its results, in
 * place of the service's own `metadata` option. A RotundaError that it throws refuses the connection.
 *
 * @example
 * ```ts
 * const service = rawService<{ user: string }>((connection) => connection.send(connection.metadata.user))
 * const raw = { '/raw': withContext(service, (c: Context<Env>) => ({ user: c.get('user') })) }
 * app.route('/realtime', realtime(hub, { raw }))
 * ```
 */
export function withContext<M, E extends Env>(
  service: RawService<M>,
  metadata: (context: Context<E>) => M | Promise<M>,
): HonoRawRoute<E> {
  return { attach: (hub) => service.attach(hub), fromContext: metadata }
}
