import { errorResponse, RotundaError } from '../../src/mod.ts'
import type { PrometheusOptions } from './metrics.ts'
import type { AnyRegistry } from './registered_family.ts'

/** Where the metrics are asked for, and who may. */
export class Endpoint {
  readonly #path: string
  readonly #token: Uint8Array | undefined
  readonly #report: (error: unknown) => void

  /** @throws {RotundaError} `invalid_config` */
  constructor({ path = '/metrics', token }: PrometheusOptions, report: (error: unknown) => void) {
    if (!path.startsWith('/') || new URL(path, 'http://host').pathname !== path) {
      throw new RotundaError(
        'invalid_config',
        `path is "${path}"; it must be one that can be asked for, like /metrics.`,
      )
    }
    // An empty variable is easily set; it must not look as if it protected anything. The token is not for logs.
    if (token !== undefined && !/^[!-~]+$/.test(token)) {
      throw new RotundaError('invalid_config', 'token must be of printable ASCII characters, without spaces.')
    }
    this.#path = path
    this.#token = token === undefined ? undefined : new TextEncoder().encode(`bearer ${token}`)
    this.#report = report
  }

  isAt(request: Request): boolean {
    return URL.canParse(request.url) && new URL(request.url).pathname === this.#path
  }

  notFound(request: Request): Response {
    if (!URL.canParse(request.url)) return errorResponse(new RotundaError('invalid_frame', 'The URL cannot be read.'))
    return errorResponse(new RotundaError('not_found', `There is nothing here but ${this.#path}.`))
  }

  async answer({ method, headers }: Request, registry: AnyRegistry): Promise<Response> {
    if (method !== 'GET' && method !== 'HEAD') {
      const error = new RotundaError('method_not_allowed', `Metrics are read with GET, not ${method.slice(0, 16)}.`)
      const response = errorResponse(error)
      response.headers.set('allow', 'GET, HEAD')
      return response
    }
    if (!this.#mayRead(headers.get('authorization') ?? '')) {
      return errorResponse(
        new RotundaError('unauthenticated', 'Metrics are read with a token: Authorization: Bearer ….'),
      )
    }
    try {
      const text = await registry.metrics()
      const described = { 'content-type': registry.contentType, 'cache-control': 'no-store' }
      return new Response(method === 'HEAD' ? null : text, { headers: described })
    } catch (cause) {
      this.#report(cause)
      return errorResponse(new RotundaError('internal', 'The metrics could not be read.', { cause }))
    }
  }

  #mayRead(authorization: string): boolean {
    if (this.#token === undefined) return true
    const scheme = authorization.slice(0, 'bearer '.length).toLowerCase()
    const shown = new TextEncoder().encode(scheme + authorization.slice(scheme.length))
    return isSame(shown, this.#token)
  }
}

/** Takes as long wherever the difference is. */
function isSame(shown: Uint8Array, expected: Uint8Array): boolean {
  let difference = shown.length ^ expected.length
  for (let i = 0; i < expected.length; i++) difference |= expected[i]! ^ (shown[i] ?? 0)
  return difference === 0
}
