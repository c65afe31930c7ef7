import type { Contract } from '../protocol/contract.ts'
import type { Handlers, LifecycleHandlers } from './handlers.ts'

/** What an application can be told of a hub's sessions. Each registration returns what removes it. */
export class HubEvents<C extends Contract, M> {
  readonly #handlers: Handlers<C, M>

  constructor(handlers: Handlers<C, M>) {
    this.#handlers = handlers
  }

  /** Called for each new session; its frames wait until what is returned has settled. Throwing closes it with 1011. */
  onOpen(handler: LifecycleHandlers<C, M>['open']): () => void {
    return this.#handlers.add('open', handler)
  }

  /** Called with each frame before it is decoded; returning `'handled'` keeps it from being decoded. */
  onMessage(handler: LifecycleHandlers<C, M>['message']): () => void {
    return this.#handlers.add('message', handler)
  }

  /** Called once for each session that ends, after it has left its rooms. */
  onClose(handler: LifecycleHandlers<C, M>['close']): () => void {
    return this.#handlers.add('close', handler)
  }

  /** Called with what went wrong inside: handlers that threw, commits that failed. Without one it goes to the console. */
  onError(handler: LifecycleHandlers<C, M>['error']): () => void {
    return this.#handlers.add('error', handler)
  }

  /** Called when a client's ping frame arrived, where the transport tells. */
  onPing(handler: LifecycleHandlers<C, M>['ping']): () => void {
    return this.#handlers.add('ping', handler)
  }

  /** Called when a pong frame arrived, where the transport tells. */
  onPong(handler: LifecycleHandlers<C, M>['pong']): () => void {
    return this.#handlers.add('pong', handler)
  }
}
