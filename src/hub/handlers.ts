import type { Contract } from '../protocol/contract.ts'
import type { Frame } from '../protocol/codec.ts'
import { RotundaError } from '../protocol/errors.ts'
import { quote } from '../protocol/names.ts'
import type { RequestContext } from './context.ts'
import type { Logger } from './logger.ts'
import type { Session } from './session.ts'
import { isThenable } from './thenable.ts'

/** What an application may be told, by the name of its registration. */
export interface LifecycleHandlers<C extends Contract, M> {
  open: (session: Session<C, M>) => unknown
  message: (session: Session<C, M>, frame: Frame) => unknown
  close: (session: Session<C, M>, code: number, reason: string) => unknown
  error: (error: unknown, session?: Session<C, M>) => unknown
  ping: (session: Session<C, M>, data: Uint8Array) => unknown
  pong: (session: Session<C, M>, data: Uint8Array) => unknown
}

/** A handler of the contract. What it takes depends on the type it was registered for, whose schema has checked it. */
export type AnyHandler<C extends Contract, M> = (context: RequestContext<C, M>, payload: never) => unknown

/** The application's handlers, in the order of registration. */
export class Handlers<C extends Contract, M> {
  readonly #lifecycle: { [K in keyof LifecycleHandlers<C, M>]: Set<LifecycleHandlers<C, M>[K]> } = {
    open: new Set(),
    message: new Set(),
    close: new Set(),
    error: new Set(),
    ping: new Set(),
    pong: new Set(),
  }
  readonly #typed = new Map<string, AnyHandler<C, M>>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add<K extends keyof LifecycleHandlers<C, M>>(name: K, handler: LifecycleHandlers<C, M>[K]): () => void {
    this.#lifecycle[name].add(handler)
    return () => void this.#lifecycle[name].delete(handler)
  }

  get<K extends keyof LifecycleHandlers<C, M>>(name: K): ReadonlySet<LifecycleHandlers<C, M>[K]> {
    return this.#lifecycle[name]
  }

  setTyped(type: string, handler: AnyHandler<C, M>): () => void {
    if (this.#typed.has(type)) {
      throw new RotundaError('invalid_config', `Type ${quote(type)} has a handler already; remove that one first.`)
    }
    this.#typed.set(type, handler)
    return () => {
      if (this.#typed.get(type) === handler) this.#typed.delete(type)
    }
  }

  typed(type: string): AnyHandler<C, M> | undefined {
    return this.#typed.get(type)
  }

  /** Tells the error handlers, or the console when there are none. One that throws cannot stop the others. */
  report(error: unknown, session?: Session<C, M>): void {
    const handlers = this.#lifecycle.error
    const failed = (failure: unknown) => this.#logger.error('rotunda: an error handler failed:', failure)
    if (handlers.size === 0) this.#logger.error('rotunda:', error)
    for (const handler of handlers) {
      try {
        const result = handler(error, session)
        if (isThenable(result)) Promise.resolve(result).catch(failed)
      } catch (failure) {
        failed(failure)
      }
    }
  }
}
