import type { Contract } from '../protocol/contract.ts'
import { RotundaError } from '../protocol/errors.ts'
import type { Hub } from '../hub/mod.ts'
import type { Asked } from './asked.ts'
import { FallbackNode } from './node.ts'
import { checkFallbackOptions, type FallbackOptions } from './options.ts'
import type { Later } from './later.ts'
import { answerPoll } from './poll_endpoint.ts'
import { answerSend } from './send_endpoint.ts'
import { answerEvents } from './sse_endpoint.ts'

/** The endpoints, each at its name below the base. */
export const FALLBACK_ENDPOINTS = ['sse', 'poll', 'send'] as const
export type FallbackEndpoint = typeof FALLBACK_ENDPOINTS[number]

/** SSE and long polling of one hub, for where a WebSocket cannot be had. */
export class Fallback<C extends Contract, M> {
  readonly #node: FallbackNode<C, M>

  constructor(hub: Hub<C, M>, options: FallbackOptions) {
    this.#node = new FallbackNode(hub, checkFallbackOptions(options))
  }

  /** Origins besides the server's own whose pages may use this. */
  get origins(): ReadonlySet<string> {
    return this.#node.settings.origins
  }

  /** @throws {RotundaError} As rejection: what is wrong with the request. */
  async answer(endpoint: FallbackEndpoint, asked: Asked<M>): Promise<Response | Later> {
    switch (endpoint) {
      case 'sse':
        return await answerEvents(this.#node, asked)
      case 'poll':
        return await answerPoll(this.#node, asked)
      case 'send':
        return await answerSend(this.#node, asked)
    }
  }
}

const fallbacks = new WeakMap<object, { readonly fallback: unknown; readonly options: FallbackOptions | undefined }>()

/**
 * The one fallback of a hub, however many adapters serve it: a session may come back over another one.
 * @param options May be left out by all but one adapter.
 * @throws {RotundaError} `invalid_config`
 */
export function fallbackOf<C extends Contract, M>(hub: Hub<C, M>, options?: FallbackOptions): Fallback<C, M> {
  const known = fallbacks.get(hub)
  if (known !== undefined && (options === undefined || options === known.options)) {
    return known.fallback as Fallback<C, M>
  }
  if (known !== undefined) {
    throw new RotundaError(
      'invalid_config',
      'This hub has its fallback already; give its options to the first adapter.',
    )
  }
  const fallback = new Fallback(hub, options ?? {})
  fallbacks.set(hub, { fallback, options })
  return fallback
}
