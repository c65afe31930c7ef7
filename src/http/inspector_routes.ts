import { CHALLENGE, type InspectedHub, inspectorOf, type InspectorOptions, TooManyAttempts } from '../inspector/mod.ts'
import { asRotundaError } from '../protocol/errors.ts'
import { errorResponse, urlOf } from './handshake.ts'

/** Answers a request to the inspector; `path` is what follows the inspector's own, `peerOf` tells who connected. */
export type InspectorRoute = (request: Request, path: string, peerOf?: () => string) => Promise<Response>

/** A hub that is inspected and can be told of what goes wrong. */
export interface ReportingHub extends InspectedHub {
  report(error: unknown): void
}

/**
 * The inspector of a hub, which belongs at `/inspector` below the base.
 * @throws {RotundaError} `invalid_config` for one that is not protected.
 */
export function inspectorRoute(hub: ReportingHub, options: InspectorOptions): InspectorRoute {
  const answer = inspectorOf(hub, options)
  return async (request, path, peerOf) => {
    try {
      return await answer(request, urlOf(request), path, peerOf)
    } catch (thrown) {
      const error = asRotundaError(thrown)
      if (error.code === 'internal') hub.report(thrown)
      const response = errorResponse(error)
      if (error.code === 'unauthenticated') response.headers.set('www-authenticate', CHALLENGE)
      if (error instanceof TooManyAttempts) response.headers.set('retry-after', String(error.retryIn))
      return response
    }
  }
}
